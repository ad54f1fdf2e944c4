package attemptlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"webhooks/shared/event"
)

// wire is the JSON form of a Log in a queue message. Messages outlive a release, so
// a name never gets another meaning.
type wire struct {
	TenantID     string     `json:"tenant_id"`
	WebhookID    int64      `json:"webhook_id"`
	ID           int64      `json:"log_id,omitzero"`
	EventID      string     `json:"event_id"`
	EventType    event.Type `json:"event_type"`
	Attempt      int        `json:"attempt"`
	Outcome      Outcome    `json:"outcome"`
	StatusCode   int        `json:"status_code,omitzero"`
	Milliseconds int64      `json:"response_time,omitzero"`
	ResponseBody string     `json:"response_body,omitzero"`
	Truncated    bool       `json:"truncated,omitzero"`
	Failure      string     `json:"failure,omitzero"`
	NextAttempt  int64      `json:"next_attempt_ms,omitzero"` // Unix milliseconds
	Created      int64      `json:"created_ms"`               // Unix milliseconds
}

// MarshalJSON encodes l for a queue message (not for the API).
func (l Log) MarshalJSON() ([]byte, error) {
	w := wire{
		TenantID: l.TenantID, WebhookID: l.WebhookID, ID: l.ID,
		EventID: l.EventID, EventType: l.EventType, Attempt: l.Attempt, Outcome: l.Outcome,
		StatusCode: l.StatusCode, Milliseconds: l.ResponseTime.Milliseconds(),
		ResponseBody: l.ResponseBody, Truncated: l.Truncated, Failure: l.Failure,
		Created: l.CreatedAt.UnixMilli(),
	}
	if !l.NextAttemptAt.IsZero() {
		w.NextAttempt = l.NextAttemptAt.UnixMilli()
	}
	return json.Marshal(w)
}

// UnmarshalJSON decodes the result of MarshalJSON. It refuses a log that the logs
// table cannot store, because one such log would fail a whole batch of writes.
func (l *Log) UnmarshalJSON(text []byte) error {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	if err := w.check(); err != nil {
		return err
	}
	*l = Log{
		TenantID: w.TenantID, WebhookID: w.WebhookID, ID: w.ID,
		EventID: w.EventID, EventType: w.EventType, Attempt: w.Attempt, Outcome: w.Outcome,
		StatusCode: w.StatusCode, ResponseTime: time.Duration(w.Milliseconds) * time.Millisecond,
		ResponseBody: w.ResponseBody, Truncated: w.Truncated, Failure: w.Failure,
		CreatedAt: time.UnixMilli(w.Created).UTC(),
	}
	if w.NextAttempt != 0 {
		l.NextAttemptAt = time.UnixMilli(w.NextAttempt).UTC()
	}
	return nil
}

// check returns an error if the logs table cannot store w.
func (w wire) check() error {
	switch {
	case !event.ValidID(w.TenantID):
		return fmt.Errorf("queued log: tenant_id %q is not a tenant id", w.TenantID)
	case w.WebhookID < 1 || w.ID < 0:
		return fmt.Errorf("queued log: webhook_id %d with log_id %d", w.WebhookID, w.ID)
	case !event.ValidID(w.EventID):
		return fmt.Errorf("queued log: event_id %q is not an event id", w.EventID)
	case !slices.Contains(Outcomes(), w.Outcome):
		return fmt.Errorf("queued log: unknown outcome %q", w.Outcome)
	case w.Created <= 0:
		return fmt.Errorf("queued log: created_ms is %d", w.Created)
	}
	return nil
}
