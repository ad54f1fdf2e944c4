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
	GetWithSecrets(context.Context, webhook.Key) (webhook.Webhook, error)
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
	get := h.webhooks.Get
	// Who knows the secret can sign as we do, so reading alone does not show it.
	if caller.May(auth.WebhooksWrite) {
		get = h.webhooks.GetWithSecrets
	}
	w, err := get(r.Context(), webhook.Key{TenantID: caller.TenantID, ID: id})
	if err != nil {
		return httpapi.Reply{}, err
	}
	view := w.View()
	view.Secret = w.Secret
	view.Health = w.Health.State(h.now())
	return httpapi.OK(view), nil
}
