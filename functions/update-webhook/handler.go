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
	urls     webhook.URLChecker
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "PUT /api/v1/webhooks/{webhook_id}", Scope: auth.WebhooksWrite, Audit: "webhook.update", Handle: h.update}
}

func (h handler) update(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	body, err := httpapi.ReadBody(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	patch, err := webhook.DecodePatch(body, id, h.urls)
	if err != nil {
		return httpapi.Reply{}, err
	}
	now := h.now()
	_, err = h.webhooks.Update(r.Context(), webhook.Key{TenantID: caller.TenantID, ID: id}, now,
		func(w webhook.Webhook) (webhook.Webhook, error) { return patch.Apply(w, now) })
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Message: apperr.MessageWebhookUpdated}, nil
}
