package main

import (
	"context"
	"net/http"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
)

// lister reads all webhooks of a tenant.
type lister interface {
	List(ctx context.Context, tenantID string) ([]webhook.Webhook, error)
}

type handler struct {
	webhooks lister
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "GET /api/v1/webhooks", Scope: auth.WebhooksRead, Handle: h.list}
}

type list struct {
	Items []webhook.View `json:"items"`
}

func (h handler) list(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	webhooks, err := h.webhooks.List(r.Context(), caller.TenantID)
	if err != nil {
		return httpapi.Reply{}, err
	}
	data := list{Items: make([]webhook.View, 0, len(webhooks))}
	for _, w := range webhooks {
		data.Items = append(data.Items, w.View())
	}
	return httpapi.OK(data), nil
}
