// Package delivery defines a delivery, one event on its way to one webhook: its queue
// message, its retry schedule, and the decision after an attempt.
package delivery

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	// First is when the first attempt was due, in whole milliseconds; zero if that is Due.
	First time.Time
	// SlowAt is the address of the webhook at which the previous attempt was slow; zero if
	// it was not. At another address this attempt is not the second slow one in a row.
	SlowAt int64
	// Held says that this attempt was held back before, and that a log says so.
	Held bool
	// Rate is the rate limit of the webhook under which the slot at Due was reserved; zero
	// if Due is not a slot.
	Rate float64
	// Hash is the hash of the event. The dispatcher reads the body of the event with
	// this hash from the events table, and never another event's.
	Hash event.Hash
	// Body is the request body, or nil if the dispatcher reads it from the events
	// table.
	Body []byte
}

// Message is a message of the deliveries queue. Exactly one field is set: deliveries
// to attempt, or queued logs, which could not be written to the logs table before.
type Message struct {
	// Deliveries are 1 to [MaxDeliveries] deliveries of one event to different webhooks
	// of its tenant. They differ in nothing else, and share the bytes of Body.
	Deliveries []Delivery
	Logs       *attemptlog.Chunk
}

// MaxDeliveries is the largest number of deliveries of a message. A batch of ten messages
// then has at most as many as an invocation attempts at the same time.
const MaxDeliveries = 10

// Only returns the delivery of a message that carries one. Its error says what the
// message carries instead.
func (m Message) Only() (Delivery, error) {
	switch {
	case m.Logs != nil:
		return Delivery{}, errors.New("the message has queued logs and no delivery")
	case len(m.Deliveries) != 1:
		return Delivery{}, fmt.Errorf("the message carries %d deliveries instead of one", len(m.Deliveries))
	}
	return m.Deliveries[0], nil
}

// Subject returns the event that m is about, of several logs that of the first.
func (m Message) Subject() deadletter.Subject {
	if m.Logs != nil {
		first := m.Logs.Logs[0]
		return deadletter.Subject{TenantID: first.TenantID, EventID: first.EventID, EventType: string(first.EventType)}
	}
	d := m.Deliveries[0]
	return deadletter.Subject{TenantID: d.Event.TenantID, EventID: d.Event.ID, EventType: string(d.Type)}
}

// wire is the JSON form of a Message. The members of a delivery apply to each of its
// webhooks.
type wire struct {
	Kind       string            `json:"kind"`
	Format     int               `json:"format,omitzero"`
	TenantID   string            `json:"tenant_id,omitzero"`
	WebhookIDs []int64           `json:"webhook_ids,omitzero"`
	EventID    string            `json:"event_id,omitzero"`
	Type       event.Type        `json:"type,omitzero"`
	Attempt    int               `json:"attempt,omitzero"`
	Single     bool              `json:"single,omitzero"`
	Due        int64             `json:"due,omitzero"`     // Unix milliseconds
	Planned    int64             `json:"planned,omitzero"` // Unix milliseconds
	First      int64             `json:"first,omitzero"`   // Unix milliseconds
	SlowAt     int64             `json:"slow_at,omitzero"`
	Held       bool              `json:"held,omitzero"`
	Rate       float64           `json:"rate,omitzero"`
	Hash       string            `json:"hash,omitzero"`
	Logs       *attemptlog.Chunk `json:"logs,omitzero"`
	Body       jsontext.Value    `json:"body,omitzero"`
}

const (
	kindDelivery = "delivery"
	kindLogs     = "logs"
	// format is the number of the form of a message of deliveries. A later release gives
	// a form that this one would misread the next number.
	format = 1
)

// EncodeLogs returns the queued logs c as the body of a queue message.
func EncodeLogs(c attemptlog.Chunk) (string, error) {
	body, err := json.Marshal(wire{Kind: kindLogs, Logs: &c})
	if err != nil {
		return "", fmt.Errorf("encode queued logs: %w", err)
	}
	return string(body), nil
}

// Decode decodes the results of Encode, EncodeTo and EncodeLogs. It ignores unknown
// members: during a deployment, an older version may receive messages of a newer one.
// It refuses a message whose format it does not know.
func Decode(body []byte) (Message, error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return Message{}, fmt.Errorf("decode a delivery message: %w", err)
	}
	switch w.Kind {
	case kindLogs:
		if w.Logs == nil {
			return Message{}, errors.New("the message has no logs")
		}
		return Message{Logs: w.Logs}, nil
	case kindDelivery:
		deliveries, err := w.deliveries()
		if err != nil {
			return Message{}, err
		}
		return Message{Deliveries: deliveries}, nil
	}
	return Message{}, fmt.Errorf("unknown kind %.32q of message", w.Kind)
}

// deliveries returns one delivery for each webhook of w.
func (w wire) deliveries() ([]Delivery, error) {
	if w.Format != format {
		return nil, fmt.Errorf("the delivery has format %d, and this release reads format %d", w.Format, format)
	}
	if n := len(w.WebhookIDs); n < 1 || n > MaxDeliveries {
		return nil, fmt.Errorf("the message has %d webhooks; it must have 1 to %d", n, MaxDeliveries)
	}
	common, err := w.delivery()
	if err != nil {
		return nil, err
	}
	list := make([]Delivery, 0, len(w.WebhookIDs))
	for i, id := range w.WebhookIDs {
		if id < 1 || slices.Contains(w.WebhookIDs[:i], id) {
			return nil, fmt.Errorf("the message has webhook %d, which is invalid or there twice", id)
		}
		d := common
		d.Webhook.ID = id
		list = append(list, d)
	}
	return list, nil
}

// delivery returns what the deliveries of w have in common: all but the webhook's id.
func (w wire) delivery() (Delivery, error) {
	d := Delivery{
		Webhook: webhook.Key{TenantID: w.TenantID},
		Event:   event.Key{TenantID: w.TenantID, ID: w.EventID},
		Type:    w.Type, Attempt: w.Attempt, Single: w.Single, Due: time.UnixMilli(w.Due).UTC(),
		SlowAt: w.SlowAt, Held: w.Held, Rate: w.Rate, Body: w.Body,
	}
	if w.Planned != 0 {
		d.Planned = time.UnixMilli(w.Planned).UTC()
	}
	if w.First != 0 {
		d.First = time.UnixMilli(w.First).UTC()
	}
	if !event.ValidID(w.TenantID) || !event.ValidID(w.EventID) || w.Attempt < 1 {
		return Delivery{}, errors.New("the delivery has no valid event or attempt")
	}
	hash, err := hex.DecodeString(w.Hash)
	if err != nil || len(hash) != len(d.Hash) {
		return Delivery{}, errors.New("the delivery has no valid hash")
	}
	d.Hash = event.Hash(hash)
	return d, nil
}
