package attemptlog

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Format is the number of the stored form of logs, in items and in messages. Whoever
// changes a name or a meaning below gives the new form another number.
const Format = 1

// wire is the JSON form of a Log in an item or in a message. What all logs of an item
// have in common is not in it.
type wire struct {
	// ID is absent where ids follow the first one without a gap.
	ID           int64      `json:"id,omitzero"`
	EventID      string     `json:"event_id"`
	EventType    event.Type `json:"type"`
	Trigger      Trigger    `json:"trigger,omitzero"` // absent for FirstAttempt
	Attempt      int        `json:"attempt"`
	Outcome      Outcome    `json:"outcome"`
	StatusCode   int        `json:"status,omitzero"`
	Milliseconds int64      `json:"ms,omitzero"`
	DNS          int64      `json:"dns,omitzero"` // milliseconds, as the next three
	Connect      int64      `json:"connect,omitzero"`
	TLS          int64      `json:"tls,omitzero"`
	FirstByte    int64      `json:"first_byte,omitzero"`
	Reused       bool       `json:"reused,omitzero"`
	ResponseBody string     `json:"body,omitzero"`
	Truncated    bool       `json:"truncated,omitzero"`
	Failure      string     `json:"failure,omitzero"`
	NextAttempt  int64      `json:"next,omitzero"` // Unix milliseconds
	At           int64      `json:"at,omitzero"`   // milliseconds after the earliest log
}

// EncodeLogs returns logs as JSON, with their ids if they may have gaps. from is the
// first result of [Span].
func EncodeLogs(logs []Log, from time.Time, gaps bool) ([]byte, error) {
	list := make([]wire, 0, len(logs))
	for _, l := range logs {
		w := wire{
			EventID: l.EventID, EventType: l.EventType, Attempt: l.Attempt, Outcome: l.Outcome,
			StatusCode: l.StatusCode, Milliseconds: l.ResponseTime.Milliseconds(),
			DNS: l.Timing.DNS.Milliseconds(), Connect: l.Timing.Connect.Milliseconds(), TLS: l.Timing.TLS.Milliseconds(),
			FirstByte: l.Timing.FirstByte.Milliseconds(), Reused: l.Timing.Reused,
			ResponseBody: l.ResponseBody, Truncated: l.Truncated, Failure: l.Failure,
			At: l.CreatedAt.Sub(from).Milliseconds(),
		}
		if gaps {
			w.ID = l.ID
		}
		if l.Trigger != FirstAttempt {
			w.Trigger = l.Trigger
		}
		if !l.NextAttemptAt.IsZero() {
			w.NextAttempt = l.NextAttemptAt.UnixMilli()
		}
		list = append(list, w)
	}
	return json.Marshal(list)
}

// DecodeLogs decodes the result of EncodeLogs. key is the webhook of the logs, and first
// is the id of the first one, if ids have no gaps.
func DecodeLogs(text []byte, key webhook.Key, first int64, from time.Time) ([]Log, error) {
	var list []wire
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	logs := make([]Log, 0, len(list))
	for i, w := range list {
		l := Log{
			TenantID: key.TenantID, WebhookID: key.ID, ID: w.ID,
			EventID: w.EventID, EventType: w.EventType, Trigger: w.Trigger, Attempt: w.Attempt, Outcome: w.Outcome,
			StatusCode: w.StatusCode, ResponseTime: millis(w.Milliseconds),
			Timing:       Timing{millis(w.DNS), millis(w.Connect), millis(w.TLS), millis(w.FirstByte), w.Reused},
			ResponseBody: w.ResponseBody, Truncated: w.Truncated, Failure: w.Failure,
			CreatedAt: from.Add(millis(w.At)).UTC(),
		}
		if l.ID == 0 && first > 0 {
			l.ID = first + int64(i)
		}
		if l.Trigger == "" {
			l.Trigger = FirstAttempt
		}
		if w.NextAttempt != 0 {
			l.NextAttemptAt = time.UnixMilli(w.NextAttempt).UTC()
		}
		logs = append(logs, l)
	}
	return logs, nil
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// message is the JSON form of a Chunk in a queue message.
type message struct {
	Format       int            `json:"format"`
	TenantID     string         `json:"tenant_id"`
	WebhookID    int64          `json:"webhook_id"`
	First        int64          `json:"first,omitzero"`
	FirstProblem int64          `json:"first_problem,omitzero"`
	From         int64          `json:"from"` // Unix milliseconds
	Logs         jsontext.Value `json:"logs"`
}

// MarshalJSON encodes c for a queue message. c must not be empty.
func (c Chunk) MarshalJSON() ([]byte, error) {
	from, _ := Span(c.Logs)
	logs, err := EncodeLogs(c.Logs, from, false)
	if err != nil {
		return nil, err
	}
	return json.Marshal(message{
		Format: Format, TenantID: c.Webhook.TenantID, WebhookID: c.Webhook.ID,
		First: c.First, FirstProblem: c.FirstProblem, From: from.UnixMilli(), Logs: logs,
	})
}

// UnmarshalJSON decodes the result of MarshalJSON. It refuses a chunk that the logs
// table cannot store, because one such chunk would fail a whole batch of writes.
func (c *Chunk) UnmarshalJSON(text []byte) error {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	if m.Format != Format {
		return fmt.Errorf("queued logs: unknown format %d", m.Format)
	}
	key := webhook.Key{TenantID: m.TenantID, ID: m.WebhookID}
	logs, err := DecodeLogs(m.Logs, key, m.First, time.UnixMilli(m.From))
	if err != nil {
		return err
	}
	decoded := Chunk{Webhook: key, First: m.First, FirstProblem: m.FirstProblem, Logs: logs}
	if err := decoded.check(); err != nil {
		return fmt.Errorf("queued logs: %w", err)
	}
	*c = decoded
	return nil
}

// check returns an error if the logs table cannot store c.
func (c Chunk) check() error {
	problems := int64(len(c.Problems()))
	switch {
	case !event.ValidID(c.Webhook.TenantID):
		return fmt.Errorf("tenant_id %q is not a tenant id", c.Webhook.TenantID)
	case c.Webhook.ID < 1:
		return fmt.Errorf("webhook_id is %d", c.Webhook.ID)
	case len(c.Logs) == 0:
		return errors.New("there is no log")
	case c.First < 0 || c.First > 0 && Bucket(c.First) != Bucket(c.First+int64(len(c.Logs))-1):
		return fmt.Errorf("%d logs begin with id %d", len(c.Logs), c.First)
	case c.FirstProblem < 0 || (c.FirstProblem > 0) != (c.First > 0 && problems > 0):
		return fmt.Errorf("%d problems begin with number %d", problems, c.FirstProblem)
	}
	for _, l := range c.Logs {
		if err := l.check(); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error if the logs table cannot store l.
func (l Log) check() error {
	switch {
	case !event.ValidID(l.EventID):
		return fmt.Errorf("event_id %q is not an event id", l.EventID)
	case !slices.Contains(Outcomes(), l.Outcome):
		return fmt.Errorf("unknown outcome %q", l.Outcome)
	case !slices.Contains(Triggers(), l.Trigger):
		return fmt.Errorf("unknown trigger %q", l.Trigger)
	case l.CreatedAt.UnixMilli() <= 0:
		return fmt.Errorf("a log was created at %d", l.CreatedAt.UnixMilli())
	}
	return nil
}
