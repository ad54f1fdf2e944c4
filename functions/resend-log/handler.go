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

// stored reads the hashes of stored events.
type stored interface {
	GetHashes(ctx context.Context, keys []event.Key, now time.Time) (hashes map[event.Key]event.Hash, failed map[event.Key]error)
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

// resent is the data of the response. The receiver gets the same webhook-id and body as
// in the earlier attempts.
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
	reply := httpapi.Reply{Events: []string{l.EventID}}
	d, err := h.delivery(r.Context(), l)
	if err != nil {
		return reply, err
	}
	message := queue.Message{Body: d.Encode(), Group: caller.TenantID}
	if err := errors.Join(h.queue.Send(r.Context(), []queue.Message{message})...); err != nil {
		return reply, apperr.Wrap(err, apperr.TemporarilyUnavailable)
	}
	reply.Status, reply.Message, reply.Data = http.StatusAccepted, apperr.MessageLogResent, resent{d.Event.ID, d.Attempt}
	return reply, nil
}

// delivery returns a delivery with one attempt, numbered after that of l. No retry
// follows, because the original delivery keeps its own retries, and the caller sees the
// log and can resend again.
func (h handler) delivery(ctx context.Context, l attemptlog.Log) (delivery.Delivery, error) {
	key := event.Key{TenantID: l.TenantID, ID: l.EventID}
	hashes, failed := h.events.GetHashes(ctx, []event.Key{key}, h.now())
	if err := failed[key]; err != nil {
		return delivery.Delivery{}, apperr.Wrap(err, apperr.TemporarilyUnavailable)
	}
	hash, known := hashes[key]
	if !known {
		return delivery.Delivery{}, apperr.New(apperr.EventExpired)
	}
	return delivery.Delivery{
		Webhook: l.Webhook(), Event: key, Type: l.EventType,
		Attempt: l.Attempt + 1, Single: true, Due: h.now(), Hash: hash,
	}, nil
}
