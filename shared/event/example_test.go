package event_test

import (
	"errors"
	"fmt"
	"time"

	"webhooks/shared/deadletter"
	"webhooks/shared/event"
)

// A producer sends an event to the events queue. The message gives the event the
// id and the timestamp that it does not have itself.
func ExampleDecode() {
	e, err := event.Decode(event.Message{
		ID:     "0b2d1c3e",
		SentAt: time.Date(2026, 1, 26, 10, 0, 0, 7_000_000, time.UTC),
		Body:   []byte(`{"type":"environment.created","tenant_id":"acme","data":{"environment_id": 42}}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.TenantID, e.ID)
	fmt.Printf("%s\n", e.Body())
	// Output:
	// acme evt_0b2d1c3e
	// {"type":"environment.created","timestamp":"2026-01-26T10:00:00.007Z","data":{"environment_id": 42}}
}

// An EventBridge rule sends its envelope to the events queue. The tenant is a
// member of detail, and the whole detail is the event's data.
func ExampleDecode_eventBridge() {
	e, err := event.Decode(event.Message{Body: []byte(`{
		"version": "0",
		"id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
		"detail-type": "training.failed",
		"source": "platform",
		"time": "2026-01-26T10:00:00Z",
		"detail": {"tenant_id": "acme", "job": 9}
	}`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.TenantID, e.ID)
	fmt.Printf("%s\n", e.Body())
	// Output:
	// acme 6a7e8feb-b491-4cf7-a9f1-bf3703467718
	// {"type":"training.failed","timestamp":"2026-01-26T10:00:00Z","data":{"tenant_id": "acme", "job": 9}}
}

// A refused event goes to the dead-letter queue with its reason.
func ExampleDecode_refused() {
	_, err := event.Decode(event.Message{Body: []byte(`{"id":"e1","type":"environment.exploded","tenant_id":"acme","data":{}}`)})
	var refusal *deadletter.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Reason)
		fmt.Println(refusal.Detail)
	}
	// Output:
	// unknown_type
	// "environment.exploded" is not an event type
}
