package webhook

import "webhooks/shared/event"

// Registration is a webhook that a customer asks to create.
type Registration struct {
	Name   string
	URL    string
	Secret string
	// SecretGenerated says that the customer sent no secret, so the response must
	// show the generated one.
	SecretGenerated bool
	Events          []event.Type
	Enabled         bool
	RateLimit       float64 // 0 for none
}

// Webhook returns the webhook that r asks for. Storing it sets the id, the times
// and the revision.
func (r Registration) Webhook(tenantID string) Webhook {
	return Webhook{
		TenantID:  tenantID,
		Name:      r.Name,
		URL:       r.URL,
		Secret:    r.Secret,
		Events:    r.Events,
		Enabled:   r.Enabled,
		RateLimit: r.RateLimit,
	}
}
