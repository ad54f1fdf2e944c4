// Package delivery is one event on its way to one webhook: the message that
// carries it, and the decision what follows an attempt.
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
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	Webhook webhook.Key
	Event   event.Key
	Type    event.Type
	// Attempt is the number of the attempt to make, from 1.
	Attempt int
	// Single says that no attempt follows this one, whatever comes of it.
	Single bool
	// Due is when the attempt is to be made, in milliseconds.
	Due time.Time
	// Planned is when the schedule had the attempt due, in milliseconds; zero when
	// that is Due. Later due times are counted from it and neither from the clock
	// nor from what a receiver asked for, so that two copies of a delivery compute
	// the same ones.
	Planned time.Time
	// First is when the first attempt was due, in milliseconds; zero when this is
	// it, or when the message is older than the field.
	First time.Time
	// Slow says that the attempt before this one was slow.
	Slow bool
	// Held says that this attempt was held back before, which is in the log.
	Held bool
	// Hash is the fingerprint of the event: with its key it finds the body in
	// the events table, and no other event's body.
	Hash event.Hash
	// Body is what the receiver gets, or nil when it has to be read.
	Body []byte
}

// Message is a message of the deliveries queue: exactly one of a delivery to
// attempt and the log of an attempt that could not be written to the logs table (a
// queued log).
type Message struct {
	Delivery *Delivery
	Log      *attemptlog.Log
}

// EventID returns the id of the event that m is about.
func (m Message) EventID() string {
	if m.Log != nil {
		return m.Log.EventID
	}
	return m.Delivery.Event.ID
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
	Due       int64           `json:"due,omitzero"`     // unix milliseconds
	Planned   int64           `json:"planned,omitzero"` // unix milliseconds
	First     int64           `json:"first,omitzero"`   // unix milliseconds
	Slow      bool            `json:"slow,omitzero"`
	Held      bool            `json:"held,omitzero"`
	Hash      string          `json:"hash,omitzero"`
	Log       *attemptlog.Log `json:"log,omitzero"`
	Body      jsontext.Value  `json:"body,omitzero"`
}

const (
	kindDelivery = "delivery"
	kindLog      = "outcome" // messages outlive a release, so the value stays
)

// Encode returns d as the body of a queue message. Every part of it but the
// event's body is from a closed alphabet, so it is put together by hand: a
// JSON encoder would reformat the body, whose bytes are signed.
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

// EncodeLog returns l as the body of a queue message.
func EncodeLog(l attemptlog.Log) (string, error) {
	body, err := json.Marshal(wire{Kind: kindLog, Log: &l})
	if err != nil {
		return "", fmt.Errorf("encode a queued log: %w", err)
	}
	return string(body), nil
}

// Decode reads what Encode and EncodeLog wrote. Members that it does not
// know are ignored: during a deployment, an older version may read what a
// newer one wrote.
func Decode(body []byte) (Message, error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return Message{}, fmt.Errorf("read a delivery message: %w", err)
	}
	switch w.Kind {
	case kindLog:
		if w.Log == nil || w.Log.WebhookID < 1 || !event.ValidID(w.Log.TenantID) {
			return Message{}, errors.New("the queued log names no webhook")
		}
		return Message{Log: w.Log}, nil
	case kindDelivery:
		d, err := w.delivery()
		if err != nil {
			return Message{}, err
		}
		return Message{Delivery: &d}, nil
	}
	return Message{}, fmt.Errorf("a message of kind %.32q is no delivery", w.Kind)
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
		return Delivery{}, errors.New("the delivery names no event, webhook or attempt")
	}
	hash, err := hex.DecodeString(w.Hash)
	if err != nil || len(hash) != len(d.Hash) {
		return Delivery{}, errors.New("the delivery has no hash of its event")
	}
	d.Hash = event.Hash(hash)
	return d, nil
}
