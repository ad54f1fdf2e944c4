package main

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/httpapi"
	"webhooks/shared/strictjson"
)

// maxEvents is the largest number of events in one request.
const maxEvents = 100

// entry is one event of a request. err says why it is not accepted.
type entry struct {
	event event.Event
	err   error
}

// parse parses a request or an event of its list. It returns an object that is too
// deep, of which [event.DecodePublished] refuses the event that is, and no other.
func parse(text []byte) (strictjson.Object, error) {
	object, err := strictjson.Parse(text)
	if err != nil && !errors.Is(err, strictjson.ErrTooDeep) {
		return nil, apperr.Wrap(err, apperr.InvalidJSON, strictjson.Describe(err))
	}
	return object, nil
}

// newEntry decodes an event of a tenant. An event without an id gets a random one,
// so only a producer that sets the id can safely repeat a request.
func newEntry(object strictjson.Object, tenantID string) *entry {
	e, fields := event.DecodePublished(object, tenantID, "evt_"+rand.Text())
	err := apperr.Refuse(fields)
	if err == nil && len(e.Data) > event.MaxData {
		err = apperr.New(apperr.DataTooLarge, event.MaxData)
	}
	return &entry{e, err}
}

// idsOf returns the ids of the valid entries, for the log, which must not show
// invalid text that a caller sent as an id.
func idsOf(entries []*entry) []string {
	var ids []string
	for _, e := range entries {
		if e.err == nil {
			ids = append(ids, e.event.ID)
		}
	}
	return ids
}

// readBatch decodes the events of {"events": [...]}. An invalid event becomes an
// entry with an error and does not fail the others.
func readBatch(object strictjson.Object, list jsontext.Value, tenantID string) ([]*entry, error) {
	var fields []apperr.Field
	var values []jsontext.Value
	switch {
	case list.Kind() != '[' || json.Unmarshal(list, &values) != nil:
		fields = append(fields, apperr.Field{Name: "events", Problem: apperr.WrongType, Args: []any{"array"}})
	case len(values) < 1 || len(values) > maxEvents:
		fields = append(fields, apperr.Field{Name: "events", Problem: apperr.ListLength, Args: []any{1, maxEvents}})
	}
	for _, name := range object.Unknown("events") {
		fields = append(fields, apperr.Field{Name: name, Problem: apperr.Unknown})
	}
	if err := apperr.Refuse(fields); err != nil {
		return nil, err
	}
	entries := make([]*entry, 0, len(values))
	for _, value := range values {
		item, err := parse(value)
		if err != nil {
			entries = append(entries, &entry{err: err})
			continue
		}
		entries = append(entries, newEntry(item, tenantID))
	}
	refuseConflicts(entries)
	return entries, nil
}

// refuseConflicts refuses each event that has the id of an earlier valid event of the
// request and another content. The table cannot show these conflicts, because none of
// the events is stored yet.
func refuseConflicts(entries []*entry) {
	hashes := make(map[event.Key]event.Hash)
	for _, e := range entries {
		if e.err != nil {
			continue
		}
		key, hash := e.event.Key(), e.event.Hash()
		if first, taken := hashes[key]; taken && first != hash {
			e.err = apperr.New(apperr.EventConflict, e.event.ID)
			continue
		}
		hashes[key] = hash
	}
}

// result is the result of one event of a batch.
type result struct {
	ID    string            `json:"id,omitzero"`
	Error *httpapi.Envelope `json:"error,omitzero"`
}

// results is the data of the reply to a batch. Items are in the order of the request.
type results struct {
	Accepted int      `json:"accepted"`
	Items    []result `json:"items"`
}

// batchReply returns a 202 if at least one event is accepted. Otherwise the reply has
// the status, code and message of the first error, for producers that check only the
// status.
func batchReply(r *http.Request, entries []*entry) httpapi.Reply {
	var data results
	for _, e := range entries {
		if e.err == nil {
			data.Accepted++
			data.Items = append(data.Items, result{ID: e.event.ID})
			continue
		}
		body := httpapi.EnvelopeOf(r, e.err)
		data.Items = append(data.Items, result{ID: apperr.Excerpt(e.event.ID), Error: &body}) // an invalid id may be long
	}
	reply := httpapi.Reply{Status: http.StatusAccepted, Message: apperr.MessageEventsAccepted, Data: data}
	if data.Accepted == 0 {
		first := *data.Items[0].Error
		reply.Status, reply.Code, reply.Message = httpapi.StatusOf(entries[0].err), first.Code, first.Message
	}
	return reply
}
