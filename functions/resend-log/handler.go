package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/auth"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
)

// webhooks reads a webhook.
type webhooks interface {
	Get(ctx context.Context, key webhook.Key) (webhook.Webhook, error)
}

// logs reads a log.
type logs interface {
	Get(ctx context.Context, key webhook.Key, id int64, now time.Time) (attemptlog.Log, error)
}

// stored reads which events are stored.
type stored interface {
	GetHashes(ctx context.Context, keys []event.Key, now time.Time) (map[event.Key]event.Hash, error)
}

// sender queues messages.
type sender interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

type handler struct {
	webhooks webhooks
	logs     logs
	events   stored
	queue    sender
	now      func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{
		Pattern: "POST /api/v1/webhooks/{webhook_id}/logs/{log_id}/resend",
		Scope:   auth.WebhooksTest, Audit: "log.resend", Handle: h.resend,
	}
}

// resent names the event that is on its way again. Its webhook-id and bytes are
// those of the first time.
type resent struct {
	EventID string `json:"event_id"`
	Attempt int    `json:"attempt"`
}

func (h handler) resend(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	logID, err := httpapi.LogID(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	key := webhook.Key{TenantID: caller.TenantID, ID: id}
	w, err := h.webhooks.Get(r.Context(), key)
	if err != nil {
		return httpapi.Reply{}, err
	}
	if !w.Enabled {
		return httpapi.Reply{}, apperr.New(apperr.WebhookDisabled)
	}
	l, err := h.logs.Get(r.Context(), key, logID, h.now())
	if err != nil {
		return httpapi.Reply{}, err
	}
	about := httpapi.Reply{Events: []string{l.EventID}}
	d, err := h.delivery(r.Context(), l)
	if err != nil {
		return about, err
	}
	message := queue.Message{Body: d.Encode(), Group: caller.TenantID}
	if err := errors.Join(h.queue.Send(r.Context(), []queue.Message{message})...); err != nil {
		return about, apperr.Wrap(err, apperr.TemporarilyUnavailable)
	}
	about.Status, about.Message, about.Data = http.StatusAccepted, apperr.MessageLogResent, resent{d.Event.ID, d.Attempt}
	return about, nil
}

// delivery returns the one more attempt that l asks for. No attempt follows it:
// the delivery's own retries, if any are left, go on beside it, and whoever
// resent it sees the log and can do it again.
func (h handler) delivery(ctx context.Context, l attemptlog.Log) (delivery.Delivery, error) {
	key := event.Key{TenantID: l.TenantID, ID: l.EventID}
	known, err := h.events.GetHashes(ctx, []event.Key{key}, h.now())
	if err != nil {
		return delivery.Delivery{}, apperr.Wrap(err, apperr.TemporarilyUnavailable)
	}
	hash, is := known[key]
	if !is {
		return delivery.Delivery{}, apperr.New(apperr.EventExpired)
	}
	return delivery.Delivery{
		Webhook: l.Webhook(), Event: key, Type: l.EventType,
		Attempt: l.Attempt + 1, Single: true, Due: h.now(), Hash: hash,
	}, nil
}
