package webhook

import (
	"time"

	"webhooks/shared/event"
)

// View is a webhook as the API shows it. A PUT takes every one of its fields,
// or ignores it, so that what GET gave can be sent back.
type View struct {
	WebhookID int64        `json:"webhook_id"`
	Name      string       `json:"name"`
	URL       string       `json:"url"`
	Secret    string       `json:"secret,omitzero"`
	Events    []event.Type `json:"events"`
	Enabled   bool         `json:"enabled"`
	CreatedAt time.Time    `json:"created_at"`
	// Health is nil unless the receiver gives trouble; of the detail alone.
	Health *State `json:"health,omitzero"`
}

// View returns w without its secret.
func (w Webhook) View() View {
	return View{
		WebhookID: w.ID,
		Name:      w.Name,
		URL:       w.URL,
		Events:    w.Events,
		Enabled:   w.Enabled,
		CreatedAt: w.CreatedAt,
	}
}
