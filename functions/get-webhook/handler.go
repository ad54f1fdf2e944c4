package main

import (
	"context"
	"net/http"
	"time"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
)

// getter reads one webhook.
type getter interface {
	Get(context.Context, webhook.Key) (webhook.Webhook, error)
	GetWithSecrets(context.Context, webhook.Key, time.Time) (webhook.Webhook, error)
}

type handler struct {
	webhooks getter
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "GET /api/v1/webhooks/{webhook_id}", Scope: auth.WebhooksRead, Handle: h.get}
}

func (h handler) get(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	key, now := webhook.Key{TenantID: caller.TenantID, ID: id}, h.now()
	w, err := h.read(r.Context(), key, caller, now)
	if err != nil {
		return httpapi.Reply{}, err
	}
	view := w.View()
	view.Secret = w.Secret
	view.Health = w.Health.State(now)
	return httpapi.OK(view), nil
}

// read returns the webhook with its secret only if the caller may change it:
// anyone who knows the secret can sign deliveries as this service does.
func (h handler) read(ctx context.Context, key webhook.Key, caller auth.Caller, now time.Time) (webhook.Webhook, error) {
	if caller.May(auth.WebhooksWrite) {
		return h.webhooks.GetWithSecrets(ctx, key, now)
	}
	return h.webhooks.Get(ctx, key)
}
