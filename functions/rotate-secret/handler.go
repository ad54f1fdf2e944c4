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

// updater changes one webhook.
type updater interface {
	Update(context.Context, webhook.Key, time.Time, func(webhook.Webhook) (webhook.Webhook, error)) (webhook.Webhook, error)
}

type handler struct {
	webhooks updater
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "POST /api/v1/webhooks/{webhook_id}/secret/rotate", Scope: auth.WebhooksWrite, Audit: "secret.rotate", Handle: h.rotate}
}

// rotated is the data of the response: the new secret, and the time until which the
// replaced one signs too. Without an overlap the time is absent.
type rotated struct {
	WebhookID               int64     `json:"webhook_id"`
	Secret                  string    `json:"secret"`
	PreviousSecretExpiresAt time.Time `json:"previous_secret_expires_at,omitzero"`
}

func (h handler) rotate(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	body, err := httpapi.ReadBody(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	// DecodeRotation generates the secret once, so a retry of the write does not
	// replace it by another.
	rotation, err := webhook.DecodeRotation(body)
	if err != nil {
		return httpapi.Reply{}, err
	}
	now := h.now()
	w, err := h.webhooks.Update(r.Context(), webhook.Key{TenantID: caller.TenantID, ID: id}, now,
		func(w webhook.Webhook) (webhook.Webhook, error) { return rotation.Apply(w, now) })
	if err != nil {
		return httpapi.Reply{}, err
	}
	data := rotated{WebhookID: w.ID, Secret: w.Secret}
	if len(w.PreviousSecrets) > 0 {
		data.PreviousSecretExpiresAt = w.PreviousSecrets[0].ExpiresAt
	}
	return httpapi.Reply{Status: http.StatusOK, Message: apperr.MessageSecretRotated, Data: data}, nil
}
