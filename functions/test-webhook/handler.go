package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// webhooks reads a webhook and lets a tenant run one test at a time.
type webhooks interface {
	GetWithSecrets(ctx context.Context, key webhook.Key, now time.Time) (webhook.Webhook, error)
	BeginTest(ctx context.Context, key webhook.Key, now time.Time) (webhookdb.TestLease, error)
	EndTest(ctx context.Context, lease webhookdb.TestLease, now time.Time) error
}

// sender sends an event to a webhook at once.
type sender interface {
	Test(ctx context.Context, w webhook.Webhook, e event.Event) (attempt.Result, error)
}

type handler struct {
	log      *slog.Logger
	webhooks webhooks
	sender   sender
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "POST /api/v1/webhooks/{webhook_id}/test", Scope: auth.WebhooksTest, Audit: "webhook.test", Handle: h.test}
}

// tested is the data of the response. Without a response of the receiver, StatusCode
// is 0 and Error says why.
type tested struct {
	StatusCode   int    `json:"status_code"`
	ResponseTime int64  `json:"response_time"` // milliseconds
	Error        string `json:"error,omitzero"`
}

func (h handler) test(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	key := webhook.Key{TenantID: caller.TenantID, ID: id}
	lease, err := h.webhooks.BeginTest(r.Context(), key, h.now())
	if err != nil {
		return httpapi.Reply{}, err
	}
	defer h.end(r.Context(), lease)
	w, err := h.webhooks.GetWithSecrets(r.Context(), key, h.now())
	if err != nil {
		return httpapi.Reply{}, err
	}
	data := []byte(`{"webhook_id":` + strconv.FormatInt(id, 10) + `}`)
	e := event.NewTest(caller.TenantID, "evt_"+rand.Text(), h.now(), data)
	result, err := h.sender.Test(r.Context(), w, e)
	if err != nil {
		return httpapi.Reply{}, err
	}
	response := tested{StatusCode: result.StatusCode, ResponseTime: result.ResponseTime.Milliseconds()}
	if problem := result.Problem(); problem != "" {
		response.Error = problem.Text().In(httpapi.LocaleOf(r))
	}
	return httpapi.Reply{Status: http.StatusOK, Message: apperr.MessageTestSent, Data: response}, nil
}

// end ends the tenant's lease. A failure is no failure of the test: the lease ends by
// itself.
func (h handler) end(ctx context.Context, lease webhookdb.TestLease) {
	if err := h.webhooks.EndTest(ctx, lease, h.now()); err != nil {
		h.log.WarnContext(ctx, "the lease of a test could not be ended; it expires", "error", err.Error())
	}
}
