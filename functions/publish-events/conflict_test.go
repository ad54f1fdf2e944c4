package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestEventsOfOneRequestMustNotShareAnID: the second content under an id could only
// become a dead letter, for which an operator gets up at night.
func TestEventsOfOneRequestMustNotShareAnID(t *testing.T) {
	t.Parallel()
	const first = `{"id":"x","type":"alert.resolved","data":1}`
	tests := []struct {
		name, second string
		conflict     bool
		queued       int
	}{
		{name: "other data", second: `{"id":"x","type":"alert.resolved","data":2}`, conflict: true, queued: 2},
		{name: "other white space in the data", second: `{"id":"x","type":"alert.resolved","data":[1]}`, conflict: true, queued: 2},
		{name: "another type", second: `{"id":"x","type":"alert.triggered","data":1}`, conflict: true, queued: 2},
		{name: "another time", second: `{"id":"x","type":"alert.resolved","timestamp":"2026-01-26T10:00:00Z","data":1}`, conflict: true, queued: 2},
		{name: "the same event", second: first, queued: 3},
		{name: "the same event in another order", second: `{"data":1,"type":"alert.resolved","id":"x"}`, queued: 3},
		{name: "another id", second: `{"id":"X","type":"alert.resolved","data":2}`, queued: 3},
		{name: "no id", second: `{"type":"alert.resolved","data":2}`, queued: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			// An event that is not valid takes no id.
			response := b.publish(t, `{"events":[{"id":"x","type":"?","data":0},`+first+`,`+tt.second+`,{"id":"y","type":"alert.resolved","data":2}]}`)
			var got struct {
				Data struct {
					Accepted int
					Items    []struct {
						ID    string
						Error struct{ Code int }
					}
				}
			}
			if err := json.Unmarshal([]byte(response.Body), &got); err != nil || response.Status != 202 {
				t.Fatalf("response = %d %s", response.Status, response.Body)
			}
			want := 0
			if tt.conflict {
				want = 40903
			}
			if items := got.Data.Items; items[1].Error.Code != 0 || items[2].Error.Code != want || items[3].Error.Code != 0 || got.Data.Accepted != tt.queued {
				t.Errorf("response = %s, want the code %d for the third event", response.Body, want)
			}
			if queued := b.queued(t); len(queued) != tt.queued {
				t.Errorf("%d events queued, want %d:\n%s", len(queued), tt.queued, strings.Join(queued, "\n"))
			}
		})
	}
}
