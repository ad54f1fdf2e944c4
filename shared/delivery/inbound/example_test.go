package inbound_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery/inbound"
)

// A consumer embeds Message in its own type, decodes each record, does its work on
// the messages that are still open, and answers with the batch item failures.
func Example() {
	deadLetters := queueFunc(func(messages []queue.Message) []error {
		for _, m := range messages {
			fmt.Println("dead letter:", m.Body, m.Attributes["reason"])
		}
		return make([]error, len(messages))
	})
	consumer := inbound.Consumer{Log: slog.New(slog.DiscardHandler), DeadLetters: deadLetters, MaxReceiveCount: 50}
	first := map[string]string{"ApproximateReceiveCount": "1"}
	records := []events.SQSMessage{
		{MessageId: "m1", Body: "42", Attributes: first},
		{MessageId: "m2", Body: "forty-two", Attributes: first},
		{MessageId: "m3", Body: "13", Attributes: first},
	}

	type task struct {
		inbound.Message
		number int
	}
	ctx := context.Background()
	var batch []*task
	for _, record := range records {
		t := &task{Message: inbound.Message{Record: record}}
		consumer.Decode(ctx, &t.Message, func() (deadletter.Subject, error) {
			if _, err := fmt.Sscan(record.Body, &t.number); err != nil {
				return deadletter.Subject{}, &deadletter.Refusal{Reason: deadletter.Unreadable, Detail: "the message is not a number"}
			}
			return deadletter.Subject{}, nil
		})
		batch = append(batch, t)
	}
	for _, t := range batch {
		if t.Open() && t.number == 13 {
			t.Err = fmt.Errorf("the database is down")
		}
	}
	inbound.SendLetters(ctx, consumer, batch)
	for _, failure := range inbound.Response(batch).BatchItemFailures {
		fmt.Println("received again:", failure.ItemIdentifier)
	}
	// Output:
	// dead letter: forty-two unreadable
	// received again: m3
}
