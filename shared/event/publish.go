package event

import (
	"strings"

	"webhooks/shared/apperr"
	"webhooks/shared/strictjson"
)

// DecodePublished decodes an event that a tenant publishes over HTTP. It has the
// form of a queue message without tenant_id, which comes from the token. An event
// without an id gets newID. The result lists every refused field, in order. An
// object that is too deep for [strictjson.Parse] has at least one: only data may be
// an array or an object.
func DecodePublished(object strictjson.Object, tenantID, newID string) (Event, []apperr.Field) {
	e := Event{TenantID: tenantID, ID: newID, OverHTTP: true}
	var fields []apperr.Field
	refuse := func(name string, problem apperr.Problem, args ...any) {
		fields = append(fields, apperr.Field{Name: name, Problem: problem, Args: args})
	}
	if value, given := object["id"]; given {
		id, ok := strictjson.String(value)
		if !ok || !ValidID(id) {
			refuse("id", apperr.IDSyntax)
		}
		e.ID = id
	}
	switch value, given := object["type"]; {
	case !given:
		refuse("type", apperr.Required)
	default:
		text, ok := strictjson.String(value)
		e.Type = Type(text)
		if _, known := e.Type.Bit(); !ok {
			refuse("type", apperr.WrongType, "string")
		} else if !known {
			refuse("type", apperr.UnknownEventType, text)
		}
	}
	if value, given := object["timestamp"]; given {
		text, ok := timestamp(value)
		if !ok {
			refuse("timestamp", apperr.TimeSyntax)
		}
		e.Timestamp, e.timestampGiven = text, true
	}
	switch value, given := object["data"]; {
	case !given:
		refuse("data", apperr.Required)
	case strictjson.Depth(value) > MaxDepth:
		refuse("data", apperr.TooDeep, MaxDepth)
	case !queueable(value):
		refuse("data", apperr.NotQueueable)
	default:
		e.Data = value
	}
	for _, name := range object.Unknown("id", "type", "timestamp", "data") {
		refuse(name, apperr.Unknown)
	}
	return e, fields
}

// queueable reports whether SQS accepts text. Of the characters that SQS refuses,
// only these two can be unescaped in valid JSON. See
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func queueable(text []byte) bool {
	return !strings.ContainsAny(string(text), "\uFFFE\uFFFF")
}

// viaHTTP is the value of the member via in the message of an event that a tenant
// published over HTTP.
const viaHTTP = "http"

// Message returns e as a message of the events queue, which [Decode] decodes. It
// leaves out a timestamp that the producer did not give: Decode takes it from the
// queue.
func (e Event) Message() string {
	b := make([]byte, 0, len(e.Data)+256)
	b = append(b, '{')
	if e.OverHTTP {
		b = append(b, `"via":"`+viaHTTP+`",`...)
	}
	b = append(b, `"id":"`...)
	b = append(b, e.ID...)
	b = append(b, `","type":"`...)
	b = append(b, e.Type...)
	b = append(b, `","tenant_id":"`...)
	b = append(b, e.TenantID...)
	if e.timestampGiven {
		b = append(b, `","timestamp":"`...)
		b = append(b, e.Timestamp...)
	}
	b = append(b, `","data":`...)
	b = append(b, e.Data...)
	return string(append(b, '}'))
}
