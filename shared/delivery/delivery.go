// Package delivery defines a delivery, one event on its way to one webhook: its queue
// message, its retry schedule, and the decision after an attempt.
package delivery

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/attemptlog"
	"webhooks/shared/deadletter"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	Webhook webhook.Key
	Event   event.Key
	Type    event.Type
	// Attempt is the number of the next attempt, from 1.
	Attempt int
	// Single says that no attempt follows this one, whatever its result.
	Single bool
	// Due is when the attempt is due, in whole milliseconds.
	Due time.Time
	// Planned is the due time by the schedule alone, in whole milliseconds; zero if it
	// equals Due. Later due times are computed from Planned, and not from the clock or
	// a Retry-After header, so that copies of a delivery compute the same times.
	Planned time.Time
	// First is when the first attempt was due, in whole milliseconds; zero if this is
	// the first attempt, or if the message is older than the field.
	First time.Time
	// Slow says that the previous attempt was slow.
	Slow bool
	// Held says that this attempt was held back before, and that a log says so.
	Held bool
	// Hash is the hash of the event. The dispatcher reads the body of the event with
	// this hash from the events table, and never another event's.
	Hash event.Hash
	// Body is the request body, or nil if the dispatcher reads it from the events
	// table.
	Body []byte
}

// Message is a message of the deliveries queue. Exactly one field is set: a delivery
// to attempt, or a queued log, which could not be written to the logs table before.
type Message struct {
	Delivery *Delivery
	Log      *attemptlog.Log
}

// Subject returns the event that m is about.
func (m Message) Subject() deadletter.Subject {
	if m.Log != nil {
		return deadletter.Subject{TenantID: m.Log.TenantID, EventID: m.Log.EventID, EventType: string(m.Log.EventType)}
	}
	return deadletter.Subject{TenantID: m.Delivery.Event.TenantID, EventID: m.Delivery.Event.ID, EventType: string(m.Delivery.Type)}
}

// wire is the JSON form of a Message.
type wire struct {
	Kind      string          `json:"kind"`
	TenantID  string          `json:"tenant_id,omitzero"`
	WebhookID int64           `json:"webhook_id,omitzero"`
	EventID   string          `json:"event_id,omitzero"`
	Type      event.Type      `json:"type,omitzero"`
	Attempt   int             `json:"attempt,omitzero"`
	Single    bool            `json:"single,omitzero"`
	Due       int64           `json:"due,omitzero"`     // Unix milliseconds
	Planned   int64           `json:"planned,omitzero"` // Unix milliseconds
	First     int64           `json:"first,omitzero"`   // Unix milliseconds
	Slow      bool            `json:"slow,omitzero"`
	Held      bool            `json:"held,omitzero"`
	Hash      string          `json:"hash,omitzero"`
	Log       *attemptlog.Log `json:"log,omitzero"`
	Body      jsontext.Value  `json:"body,omitzero"`
}

const (
	kindDelivery = "delivery"
	kindLog      = "outcome" // unchanged, because messages outlive a release
)

// Encode returns d as the body of a queue message. It does not use a JSON encoder,
// which would reformat the event's body, whose bytes are signed. No other member
// needs escaping.
func (d Delivery) Encode() string {
	const members = 256
	b := make([]byte, 0, members+len(d.Webhook.TenantID)+len(d.Event.ID)+len(d.Type)+2*len(d.Hash)+len(d.Body))
	b = append(b, `{"kind":"delivery","tenant_id":"`...)
	b = append(b, d.Webhook.TenantID...)
	b = append(b, `","webhook_id":`...)
	b = strconv.AppendInt(b, d.Webhook.ID, 10)
	b = append(b, `,"event_id":"`...)
	b = append(b, d.Event.ID...)
	b = append(b, `","type":"`...)
	b = append(b, d.Type...)
	b = append(b, `","attempt":`...)
	b = strconv.AppendInt(b, int64(d.Attempt), 10)
	if d.Single {
		b = append(b, `,"single":true`...)
	}
	b = append(b, `,"due":`...)
	b = strconv.AppendInt(b, d.Due.UnixMilli(), 10)
	if !d.Planned.IsZero() {
		b = append(b, `,"planned":`...)
		b = strconv.AppendInt(b, d.Planned.UnixMilli(), 10)
	}
	if !d.FirstDue().Equal(d.Due) {
		b = append(b, `,"first":`...)
		b = strconv.AppendInt(b, d.First.UnixMilli(), 10)
	}
	if d.Slow {
		b = append(b, `,"slow":true`...)
	}
	if d.Held {
		b = append(b, `,"held":true`...)
	}
	b = append(b, `,"hash":"`...)
	b = hex.AppendEncode(b, d.Hash[:])
	b = append(b, '"')
	if d.Body != nil {
		b = append(b, `,"body":`...)
		b = append(b, d.Body...)
	}
	return string(append(b, '}'))
}

// EncodeLog returns the queued log l as the body of a queue message.
func EncodeLog(l attemptlog.Log) (string, error) {
	body, err := json.Marshal(wire{Kind: kindLog, Log: &l})
	if err != nil {
		return "", fmt.Errorf("encode a queued log: %w", err)
	}
	return string(body), nil
}

// Decode decodes the results of Encode and EncodeLog. It ignores unknown members:
// during a deployment, an older version may receive messages of a newer one.
func Decode(body []byte) (Message, error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return Message{}, fmt.Errorf("decode a delivery message: %w", err)
	}
	switch w.Kind {
	case kindLog:
		if w.Log == nil || w.Log.WebhookID < 1 || !event.ValidID(w.Log.TenantID) {
			return Message{}, errors.New("the queued log has no valid webhook")
		}
		return Message{Log: w.Log}, nil
	case kindDelivery:
		d, err := w.delivery()
		if err != nil {
			return Message{}, err
		}
		return Message{Delivery: &d}, nil
	}
	return Message{}, fmt.Errorf("unknown kind %.32q of message", w.Kind)
}

func (w wire) delivery() (Delivery, error) {
	d := Delivery{
		Webhook: webhook.Key{TenantID: w.TenantID, ID: w.WebhookID},
		Event:   event.Key{TenantID: w.TenantID, ID: w.EventID},
		Type:    w.Type, Attempt: w.Attempt, Single: w.Single, Due: time.UnixMilli(w.Due).UTC(),
		Slow: w.Slow, Held: w.Held, Body: w.Body,
	}
	if w.Planned != 0 {
		d.Planned = time.UnixMilli(w.Planned).UTC()
	}
	if w.First != 0 {
		d.First = time.UnixMilli(w.First).UTC()
	}
	if !event.ValidID(w.TenantID) || !event.ValidID(w.EventID) || w.WebhookID < 1 || w.Attempt < 1 {
		return Delivery{}, errors.New("the delivery has no valid event, webhook or attempt")
	}
	hash, err := hex.DecodeString(w.Hash)
	if err != nil || len(hash) != len(d.Hash) {
		return Delivery{}, errors.New("the delivery has no valid hash")
	}
	d.Hash = event.Hash(hash)
	return d, nil
}
