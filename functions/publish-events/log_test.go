package main

import (
	"strings"
	"testing"
)

// TestLogLineNamesPublishedEvents checks that the log line has the ids of the valid
// events, and no invalid id.
func TestLogLineNamesPublishedEvents(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{name: "one", body: `{"id":"a","type":"alert.resolved","data":1}`, want: `"event_id":"a"`},
		{
			name: "a batch",
			body: `{"events":[{"id":"a","type":"alert.resolved","data":1},{"id":"no id","type":"alert.resolved","data":1},7,{"id":"c","type":"alert.resolved","data":2}]}`,
			want: `"event_ids":["a","c"]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if response := b.publish(t, tt.body); response.Status != 202 {
				t.Fatalf("response = %d %s", response.Status, response.Body)
			}
			if line := b.log.String(); !strings.Contains(line, tt.want) || strings.Contains(line, "no id") {
				t.Errorf("log line = %s, want %s and no other id", line, tt.want)
			}
		})
	}
	b := setup(t)
	if response := b.publish(t, `{"id":"no id","type":"alert.resolved","data":1}`); response.Status != 400 || strings.Contains(b.log.String(), "no id") {
		t.Errorf("response = %d, log line = %s, want 400 and not the id", response.Status, b.log)
	}
}
