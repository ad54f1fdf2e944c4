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

// deleter removes one webhook.
type deleter interface {
	Delete(context.Context, webhook.Key) error
}

// forgetter lets the log ids of a deleted webhook expire.
type forgetter interface {
	Forget(ctx context.Context, key webhook.Key, deletedNow bool, now time.Time) error
}

type handler struct {
	webhooks deleter
	logs     forgetter
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "DELETE /api/v1/webhooks/{webhook_id}", Scope: auth.WebhooksWrite, Audit: "webhook.delete", Handle: h.delete}
}

func (h handler) delete(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	key := webhook.Key{TenantID: caller.TenantID, ID: id}
	deleted := h.webhooks.Delete(r.Context(), key)
	if deleted != nil && !apperr.Is(deleted, apperr.WebhookNotFound) {
		return httpapi.Reply{}, deleted
	}
	// A caller whose first request failed here sends it again.
	if err := h.logs.Forget(r.Context(), key, deleted == nil, h.now()); err != nil {
		return httpapi.Reply{}, err
	}
	if deleted != nil {
		return httpapi.Reply{}, deleted
	}
	return httpapi.Reply{Status: http.StatusNoContent, Message: apperr.MessageWebhookDeleted}, nil
}
