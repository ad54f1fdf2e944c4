package main

import (
	"context"
	"net/http"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
)

// getter reads one webhook.
type getter interface {
	Get(context.Context, webhook.Key) (webhook.Webhook, error)
}

// lister reads one page of a webhook's logs.
type lister interface {
	List(ctx context.Context, key webhook.Key, before int64, number, size int, now time.Time) (attemptlog.Page, error)
}

type handler struct {
	webhooks getter
	logs     lister
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "GET /api/v1/webhooks/{webhook_id}/logs", Scope: auth.LogsRead, Query: []string{"page", "page_size", "before"}, Handle: h.list}
}

func (h handler) list(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	number, size, before, err := pageOf(r.URL.Query())
	if err != nil {
		return httpapi.Reply{}, err
	}
	key := webhook.Key{TenantID: caller.TenantID, ID: id}
	// Without this check, a deleted webhook would still show its logs, and an unknown
	// webhook an empty page.
	if _, err := h.webhooks.Get(r.Context(), key); err != nil {
		return httpapi.Reply{}, err
	}
	page, err := h.logs.List(r.Context(), key, int64(before), number, size, h.now())
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.OK(view(page, httpapi.LocaleOf(r))), nil
}
