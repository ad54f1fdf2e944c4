package main

import (
	"context"
	"net/http"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
)

// creator stores a new webhook.
type creator interface {
	Create(context.Context, webhook.Webhook, time.Time) (webhook.Webhook, error)
}

type handler struct {
	webhooks creator
	urls     webhook.URLChecker
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "POST /api/v1/webhooks", Scope: auth.WebhooksWrite, Audit: "webhook.create", Handle: h.create}
}

// created is the data of the response. It has the secret only if the customer sent
// none.
type created struct {
	WebhookID int64     `json:"webhook_id"`
	Name      string    `json:"name"`
	URL       string    `json:"url"`
	Secret    string    `json:"secret,omitzero"`
	Enabled   bool      `json:"enabled"`
	CreatedAt time.Time `json:"created_at"`
}

func (h handler) create(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	body, err := httpapi.ReadBody(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	wanted, err := webhook.DecodeRegistration(body, h.urls)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w, err := h.webhooks.Create(r.Context(), wanted.Webhook(caller.TenantID), h.now())
	if err != nil {
		return httpapi.Reply{}, err
	}
	data := created{WebhookID: w.ID, Name: w.Name, URL: w.URL, Enabled: w.Enabled, CreatedAt: w.CreatedAt}
	if wanted.SecretGenerated {
		data.Secret = w.Secret
	}
	return httpapi.Reply{Status: http.StatusCreated, Message: apperr.MessageWebhookCreated, Data: data, Created: w.ID}, nil
}
