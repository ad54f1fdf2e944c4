package main

import (
	"context"
	"net/http"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
)

// deleter removes one webhook.
type deleter interface {
	Delete(context.Context, webhook.Key) error
}

type handler struct {
	webhooks deleter
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "DELETE /api/v1/webhooks/{webhook_id}", Scope: auth.WebhooksWrite, Audit: "webhook.delete", Handle: h.delete}
}

func (h handler) delete(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := h.webhooks.Delete(r.Context(), webhook.Key{TenantID: caller.TenantID, ID: id}); err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusNoContent, Message: apperr.MessageWebhookDeleted}, nil
}
