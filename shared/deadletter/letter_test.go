package deadletter_test

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/deadletter"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	text := func(s string) events.SQSMessageAttribute {
		return events.SQSMessageAttribute{DataType: "String", StringValue: &s}
	}
	sent := map[string]string{"SentTimestamp": "1769421600007"}
	tests := []struct {
		name       string
		message    events.SQSMessage
		wantID     string
		wantMillis int64
		wantErr    bool
	}{
		{name: "a new message", message: events.SQSMessage{Attributes: sent}, wantMillis: 1769421600007},
		{
			name: "a redriven message",
			message: events.SQSMessage{Attributes: sent, MessageAttributes: map[string]events.SQSMessageAttribute{
				"event_id": text("evt_1"), "sent_at": text("1769000000001"),
			}},
			wantID: "evt_1", wantMillis: 1769000000001,
		},
		{name: "a message without a time", message: events.SQSMessage{}, wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id, at, err := deadletter.Origin(tt.message)
			if (err != nil) != tt.wantErr {
				t.Fatalf("error = %v", err)
			}
			if err == nil && (id != tt.wantID || !at.Equal(time.UnixMilli(tt.wantMillis))) {
				t.Errorf("Origin = %q, %v, want %q, %v", id, at, tt.wantID, time.UnixMilli(tt.wantMillis))
			}
		})
	}
}
