// Package event decodes the events that producers publish.
//
// An event arrives as {"id"?, "type", "tenant_id", "timestamp"?, "data"} or as an
// EventBridge envelope. Both are decoded strictly: a misspelt or duplicate member
// is refused and never ignored.
package event

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"webhooks/shared/strictjson"
)

// MaxData is the largest size of an event's data, in bytes.
const MaxData = 256 << 10

// MaxDepth is how many levels of arrays and objects an event's data may have. The
// delivered body has one more.
const MaxDepth = strictjson.MaxDepth

// MaxMessage is the largest size of an event's message, in bytes: its data, the other
// members, and some white space. The message then fits into a message of SQS (1 MiB)
// with the attributes of a dead letter, and also as a JSON string, which is at most
// twice as long, in a redriven message.
const MaxMessage = 511 << 10

// Event is one thing that happened to a tenant.
type Event struct {
	// ID is unique within the tenant and becomes the webhook-id header.
	ID       string
	TenantID string
	Type     Type
	// Timestamp is when the event happened, in RFC 3339, as the producer wrote it.
	Timestamp string
	// Data is the producer's JSON value, byte for byte.
	Data []byte
	// OverHTTP says that a tenant published the event over HTTP. A producer that says so
	// only gives up the dead letters of its conflicts.
	OverHTTP bool

	timestampGiven bool
}

// Key identifies an event: ids are unique within a tenant only.
type Key struct {
	TenantID string
	ID       string
}

// Key returns the key of e.
func (e Event) Key() Key { return Key{e.TenantID, e.ID} }

// Body returns the request body of e. Every receiver gets the same bytes on every
// attempt (Standard Webhooks, "Payload structure").
func (e Event) Body() []byte {
	const members = len(`{"type":"","timestamp":"","data":}`)
	body := make([]byte, 0, members+len(e.Type)+len(e.Timestamp)+len(e.Data))
	body = append(body, `{"type":"`...)
	body = append(body, e.Type...) // from a closed list: nothing to escape
	body = append(body, `","timestamp":"`...)
	body = append(body, e.Timestamp...) // RFC 3339: nothing to escape
	body = append(body, `","data":`...)
	body = append(body, e.Data...)
	return append(body, '}')
}

// Hash is a SHA-256 hash of an event.
type Hash [sha256.Size]byte

// Hash returns the hash of e, which tells a duplicate of an event from another
// event with the same id. It covers the timestamp only if the producer gave it:
// otherwise two equal messages have two different timestamps.
func (e Event) Hash() Hash {
	h := sha256.New()
	timestamp := ""
	if e.timestampGiven {
		timestamp = e.Timestamp
	}
	var length [8]byte
	for _, part := range [][]byte{[]byte(e.TenantID), []byte(e.Type), []byte(timestamp), e.Data} {
		// The lengths make "ab"+"c" and "a"+"bc" different.
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return Hash(h.Sum(nil))
}

// NewTest returns the event that the test route sends: type [Test], with data.
func NewTest(tenantID, id string, at time.Time, data []byte) Event {
	return Event{ID: id, TenantID: tenantID, Type: Test, Timestamp: at.UTC().Format(timestampLayout), Data: data}
}

// timestampLayout is RFC 3339 with milliseconds, the precision of SentTimestamp.
const timestampLayout = "2006-01-02T15:04:05.000Z07:00"
