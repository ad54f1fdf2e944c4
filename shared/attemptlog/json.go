package attemptlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"webhooks/shared/event"
)

// record is a log in a queue message. Messages outlive a release: a name is
// never given another meaning.
type record struct {
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
	NextAttempt  int64      `json:"next_attempt_ms,omitzero"` // unix milliseconds
	Created      int64      `json:"created_ms"`               // unix milliseconds
}

// MarshalJSON encodes l for a queue message (not for the API).
func (l Log) MarshalJSON() ([]byte, error) {
	r := record{
		TenantID: l.TenantID, WebhookID: l.WebhookID, ID: l.ID,
		EventID: l.EventID, EventType: l.EventType, Attempt: l.Attempt, Outcome: l.Outcome,
		StatusCode: l.StatusCode, Milliseconds: l.ResponseTime.Milliseconds(),
		ResponseBody: l.ResponseBody, Truncated: l.Truncated, Failure: l.Failure,
		Created: l.CreatedAt.UnixMilli(),
	}
	if !l.NextAttemptAt.IsZero() {
		r.NextAttempt = l.NextAttemptAt.UnixMilli()
	}
	return json.Marshal(r)
}

// UnmarshalJSON decodes what MarshalJSON made. It refuses a record that cannot
// be stored, because one such record would fail a whole batch of writes.
func (l *Log) UnmarshalJSON(text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	*l = Log{
		TenantID: r.TenantID, WebhookID: r.WebhookID, ID: r.ID,
		EventID: r.EventID, EventType: r.EventType, Attempt: r.Attempt, Outcome: r.Outcome,
		StatusCode: r.StatusCode, ResponseTime: time.Duration(r.Milliseconds) * time.Millisecond,
		ResponseBody: r.ResponseBody, Truncated: r.Truncated, Failure: r.Failure,
		CreatedAt: time.UnixMilli(r.Created).UTC(),
	}
	if r.NextAttempt != 0 {
		l.NextAttemptAt = time.UnixMilli(r.NextAttempt).UTC()
	}
	return nil
}

func (r record) check() error {
	switch {
	case !event.ValidID(r.TenantID):
		return fmt.Errorf("log record: tenant_id %q is no tenant", r.TenantID)
	case r.WebhookID < 1 || r.ID < 0:
		return fmt.Errorf("log record: webhook_id %d with log_id %d", r.WebhookID, r.ID)
	case !event.ValidID(r.EventID):
		return fmt.Errorf("log record: event_id %q is no event id", r.EventID)
	case !slices.Contains(Outcomes(), r.Outcome):
		return fmt.Errorf("log record: unknown outcome %q", r.Outcome)
	case r.Created <= 0:
		return fmt.Errorf("log record: created_ms is %d", r.Created)
	}
	return nil
}
