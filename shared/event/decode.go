package event

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/deadletter"
	"webhooks/shared/strictjson"
)

// Message is a message of the events queue.
type Message struct {
	ID     string    // the queue's id of the message
	SentAt time.Time // when it was first sent, in milliseconds
	// EventID is set in a redriven message, whose ID is new. It is the event's id
	// before the redrive, which an event without an id of its own keeps if it is valid.
	EventID string
	Body    []byte
}

// Decode decodes the event in m. Its error is always a [*deadletter.Refusal].
func Decode(m Message) (Event, error) {
	object, err := strictjson.Parse(m.Body)
	if errors.Is(err, strictjson.ErrTooDeep) {
		return Event{}, refuse(deadletter.TooDeep, fmt.Sprintf("the event nests arrays and objects deeper than %d levels", MaxDepth))
	}
	if err != nil {
		return Event{}, refuse(deadletter.NotJSON, "the message is not one JSON object in UTF-8 without duplicate members")
	}
	d := decoder{object: object, message: m}
	e, refusal := d.decode()
	if refusal != nil {
		return Event{}, refusal
	}
	return e, nil
}

type decoder struct {
	object  strictjson.Object
	message Message
}

func (d decoder) decode() (Event, *deadletter.Refusal) {
	envelope := d.hasAny("detail-type", "detail")
	if envelope && d.hasAny("type", "data", "tenant_id", "timestamp") {
		return Event{}, refuse(deadletter.Ambiguous, "the message has members of an event and of an EventBridge envelope")
	}
	var e Event
	var refusal *deadletter.Refusal
	if envelope {
		e, refusal = d.envelope()
	} else {
		e, refusal = d.plain()
	}
	if refusal != nil {
		return Event{}, refusal
	}
	return d.finish(e)
}

// plain reads {"via"?, "id"?, "type", "tenant_id", "timestamp"?, "data"}. Only
// [Event.Message] writes via.
func (d decoder) plain() (Event, *deadletter.Refusal) {
	known := []string{"id", "type", "tenant_id", "timestamp", "data"}
	via, _ := strictjson.String(d.object["via"])
	if via == viaHTTP {
		known = append(known, "via")
	}
	if unknown := d.object.Unknown(known...); len(unknown) > 0 {
		return Event{}, refuse(deadletter.UnknownField, fmt.Sprintf("the event has a member %.64q other than id, type, tenant_id, timestamp and data", unknown[0]))
	}
	tenant, ok := strictjson.String(d.object["tenant_id"])
	if !ok {
		return Event{}, refuse(deadletter.MissingField, "the event's tenant_id is missing or not a string")
	}
	e, refusal := d.members(tenant, "type", "timestamp", "data")
	e.OverHTTP = via == viaHTTP
	return e, refusal
}

// envelope reads an EventBridge envelope
// (https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html).
// AWS may add members to it, so unknown members are allowed.
func (d decoder) envelope() (Event, *deadletter.Refusal) {
	detail, err := strictjson.Parse(d.object["detail"])
	if err != nil {
		return Event{}, refuse(deadletter.MissingField, "the envelope's detail is not a JSON object")
	}
	tenant, ok := strictjson.String(detail["tenant_id"])
	if !ok {
		return Event{}, refuse(deadletter.MissingField, "the tenant_id in the envelope's detail is missing or not a string")
	}
	return d.members(tenant, "detail-type", "time", "detail")
}

// members reads the members that both forms have, under the names of one form.
func (d decoder) members(tenant, typeName, timestampName, dataName string) (Event, *deadletter.Refusal) {
	e := Event{TenantID: tenant, Data: d.object[dataName]}
	if e.Data == nil {
		return Event{}, refuse(deadletter.MissingField, "the event has no "+dataName)
	}
	kind, ok := strictjson.String(d.object[typeName])
	if !ok {
		return Event{}, refuse(deadletter.MissingField, "the event's "+typeName+" is missing or not a string")
	}
	e.Type = Type(kind)
	if value, given := d.object["id"]; given {
		if e.ID, ok = strictjson.String(value); !ok {
			return Event{}, refuse(deadletter.InvalidID, "the event's id is not a string")
		}
	} else if e.ID = d.message.EventID; !ValidID(e.ID) {
		e.ID = "evt_" + d.message.ID
	}
	if value, given := d.object[timestampName]; given {
		e.timestampGiven = true
		if e.Timestamp, ok = timestamp(value); !ok {
			return Event{}, refuse(deadletter.InvalidTimestamp, "the event's "+timestampName+" is not a time such as 2026-01-26T10:00:00Z: RFC 3339 with capital T and Z, at most 9 digits after the second, no leap second, year 0001 to 9999")
		}
	} else {
		// The time of sending is the same on every receive, so the body has the same
		// bytes.
		e.Timestamp = d.message.SentAt.UTC().Format(timestampLayout)
	}
	return e, nil
}

// finish checks the values of e.
func (d decoder) finish(e Event) (Event, *deadletter.Refusal) {
	switch {
	case !ValidID(e.ID):
		return Event{}, refuse(deadletter.InvalidID, "the event's id must be 1 to 64 characters of A-Z a-z 0-9 _ -")
	case !ValidID(e.TenantID):
		return Event{}, refuse(deadletter.InvalidTenant, "the tenant_id must be 1 to 64 characters of A-Z a-z 0-9 _ -")
	case len(e.Data) > MaxData:
		return Event{}, refuse(deadletter.DataTooLarge, fmt.Sprintf("the data has %d bytes; the limit is %d", len(e.Data), MaxData))
	case len(d.message.Body) > MaxMessage:
		return Event{}, refuse(deadletter.MessageTooLarge, fmt.Sprintf("the message has %d bytes; the limit is %d", len(d.message.Body), MaxMessage))
	}
	if _, known := e.Type.Bit(); !known {
		return Event{}, refuse(deadletter.UnknownType, fmt.Sprintf("%.64q is not an event type", string(e.Type)))
	}
	return e, nil
}

// timestamp returns v as it was written, or false unless it is a time.
func timestamp(v jsontext.Value) (string, bool) {
	text, _ := strictjson.String(v)
	_, ok := strictjson.Time(v)
	return text, ok
}

func (d decoder) hasAny(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, has := d.object[name]
		return has
	})
}

func refuse(reason deadletter.Reason, detail string) *deadletter.Refusal {
	return &deadletter.Refusal{Reason: reason, Detail: detail}
}
