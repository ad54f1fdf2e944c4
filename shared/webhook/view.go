package webhook

import (
	"time"

	"webhooks/shared/event"
)

// View is a webhook as the API shows it. A PUT accepts or ignores each of its
// fields, so a customer can send the response of a GET back.
type View struct {
	WebhookID int64        `json:"webhook_id"`
	Name      string       `json:"name"`
	URL       string       `json:"url"`
	Secret    string       `json:"secret,omitzero"`
	Events    []event.Type `json:"events"`
	Enabled   bool         `json:"enabled"`
	RateLimit float64      `json:"rate_limit,omitzero"`
	CreatedAt time.Time    `json:"created_at"`
	// Health is nil for a healthy webhook, and in the list of webhooks.
	Health *State `json:"health,omitzero"`
}

// View returns w without its secret and health.
func (w Webhook) View() View {
	return View{
		WebhookID: w.ID,
		Name:      w.Name,
		URL:       w.URL,
		Events:    w.Events,
		Enabled:   w.Enabled,
		RateLimit: w.RateLimit,
		CreatedAt: w.CreatedAt,
	}
}
