package dispatch

import (
	"context"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/attemptlog"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/webhook"
)

// message is a received message. It has deliveries, or queued logs of earlier attempts,
// or neither if it could not be decoded. It does not change, except that
// [invocation.settle] sets Err.
type message struct {
	inbound.Message
	lane       lane
	taken      bool // by the invocation itself
	deliveries []delivery.Delivery
	queued     *attemptlog.Chunk
	// readBody reads the body of the event from the events table, once for all
	// deliveries.
	readBody func() ([]byte, error)
}

// shared reports whether m carries several deliveries.
func (m *message) shared() bool { return len(m.deliveries) > 1 }

// decode decodes a message of a lane.
func (d *Dispatcher) decode(ctx context.Context, lane lane, record events.SQSMessage) *message {
	m := &message{Message: inbound.Message{Record: record}, lane: lane}
	var content delivery.Message
	d.Decode(ctx, &m.Message, func() (deadletter.Subject, error) {
		var err error
		if content, err = delivery.Decode([]byte(record.Body)); err != nil {
			return deadletter.Subject{}, &deadletter.Refusal{Reason: deadletter.Unreadable, Detail: err.Error()}
		}
		return content.Subject(), nil
	})
	switch {
	case !m.Open():
	case content.Logs != nil:
		m.queued = content.Logs
	default:
		m.deliveries = content.Deliveries
		if of := m.deliveries[0]; of.Body == nil {
			m.readBody = sync.OnceValues(func() ([]byte, error) { return d.Events.GetBody(ctx, of.Event, of.Hash) })
		}
	}
	return m
}

// intake is a set of messages with their webhooks, as [plan] needs them.
type intake struct {
	messages   []*message
	webhooks   map[webhook.Key]webhook.Webhook
	unreadable map[webhook.Key]error // fails only the deliveries of its own webhook
}

// intake reads the current webhooks of all deliveries of messages.
func (d *Dispatcher) intake(ctx context.Context, messages []*message) intake {
	in := intake{messages: messages}
	var keys []webhook.Key
	for _, m := range messages {
		for _, dl := range m.deliveries {
			keys = append(keys, dl.Webhook)
		}
	}
	if len(keys) > 0 {
		in.webhooks, in.unreadable = d.Webhooks.GetMany(ctx, keys, d.Now())
	}
	return in
}
