package webhook

import "webhooks/shared/event"

// New is a webhook that a customer asks for.
type New struct {
	Name   string
	URL    string
	Secret string
	// SecretGenerated says that the customer gave no secret and has to be shown
	// the one we made.
	SecretGenerated bool
	Events          []event.Type
	Enabled         bool
}

// Webhook returns n as a webhook of a tenant. Its id, times and revision are
// given when it is stored.
func (n New) Webhook(tenantID string) Webhook {
	return Webhook{
		TenantID: tenantID,
		Name:     n.Name,
		URL:      n.URL,
		Secret:   n.Secret,
		Events:   n.Events,
		Enabled:  n.Enabled,
	}
}
