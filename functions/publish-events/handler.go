package main

import (
	"context"
	"net/http"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/aws/queue"
	"webhooks/shared/event"
	"webhooks/shared/httpapi"
)

// maxBody is the largest request body, in bytes. SQS has the same limit for one
// request.
const maxBody = 1 << 20

// store reads the hashes of stored events.
type store interface {
	GetHashes(ctx context.Context, keys []event.Key, now time.Time) (hashes map[event.Key]event.Hash, failed map[event.Key]error)
}

// limiter limits how fast a tenant publishes.
type limiter interface {
	Take(ctx context.Context, tenant string, n int, now time.Time) error
}

// sender queues messages.
type sender interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

type handler struct {
	events store
	limit  limiter
	queue  sender
	now    func() time.Time
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "POST /api/v1/events", Scope: auth.EventsPublish, MaxBody: maxBody, Handle: h.publish}
}

// publish queues one event, {"id"?, "type", "timestamp"?, "data"}, or up to
// 100, {"events": [...]}.
func (h handler) publish(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
	body, err := httpapi.ReadBody(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	object, err := parse(body)
	if err != nil {
		return httpapi.Reply{}, err
	}
	list, isBatch := object["events"]
	if !isBatch {
		entries := []*entry{newEntry(object, caller.TenantID)}
		ids := idsOf(entries)
		if err := h.limit.Take(r.Context(), caller.TenantID, len(ids), h.now()); err != nil {
			return httpapi.Reply{Events: ids}, err
		}
		h.queueAll(r.Context(), entries)
		if err := entries[0].err; err != nil {
			return httpapi.Reply{Events: ids}, err
		}
		return httpapi.Reply{Status: http.StatusAccepted, Message: apperr.MessageEventsAccepted, Data: map[string]string{"id": entries[0].event.ID}, Events: ids}, nil
	}
	entries, err := readBatch(object, list, caller.TenantID)
	if err != nil {
		return httpapi.Reply{}, err
	}
	ids := idsOf(entries)
	if err := h.limit.Take(r.Context(), caller.TenantID, len(ids), h.now()); err != nil {
		return httpapi.Reply{Events: ids}, err
	}
	h.queueAll(r.Context(), entries)
	reply := batchReply(r, entries)
	reply.Events = ids
	return reply, nil
}

// queueAll queues the valid entries that are not stored yet. It sets the error of
// each entry that fails.
func (h handler) queueAll(ctx context.Context, entries []*entry) {
	entries = h.unstored(ctx, entries)
	messages := make([]queue.Message, 0, len(entries))
	for _, e := range entries {
		messages = append(messages, queue.Message{Body: e.event.Message(), Group: e.event.TenantID})
	}
	for i, err := range h.queue.Send(ctx, messages) {
		if err != nil {
			entries[i].err = apperr.Wrap(err, apperr.TemporarilyUnavailable)
		}
	}
}

// unstored returns the valid entries that are not stored yet. An entry that is
// stored already is accepted and not queued again. An entry with the id of another
// stored event gets the error [apperr.EventConflict].
func (h handler) unstored(ctx context.Context, entries []*entry) []*entry {
	var keys []event.Key
	var valid []*entry
	for _, e := range entries {
		if e.err == nil {
			valid = append(valid, e)
			keys = append(keys, e.event.Key())
		}
	}
	stored, failed := h.events.GetHashes(ctx, keys, h.now())
	var unstored []*entry
	for _, e := range valid {
		hash, isStored := stored[e.event.Key()]
		switch {
		case failed[e.event.Key()] != nil:
			e.err = apperr.Wrap(failed[e.event.Key()], apperr.TemporarilyUnavailable)
		case isStored && hash != e.event.Hash():
			e.err = apperr.New(apperr.EventConflict, e.event.ID)
		case !isStored:
			unstored = append(unstored, e)
		}
	}
	return unstored
}
