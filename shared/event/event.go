// Package event reads what producers publish.
//
// An event reaches us as {"id"?, "type", "tenant_id", "timestamp"?, "data"} or
// as an EventBridge envelope. Both are read strictly: a message that names a
// field wrongly is refused, never half understood.
package event

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// MaxData is the size of the largest data of an event, in bytes.
const MaxData = 256 << 10

// Event is one thing that happened to a tenant.
type Event struct {
	// ID is unique within the tenant and becomes the webhook-id header.
	ID       string
	TenantID string
	Type     Type
	// Timestamp is when it happened, in RFC 3339, as the producer wrote it.
	Timestamp string
	// Data is the producer's JSON value, byte for byte.
	Data []byte

	timestampGiven bool
}

// Key names an event: ids are unique within a tenant only.
type Key struct {
	TenantID string
	ID       string
}

// Key returns the name of e.
func (e Event) Key() Key { return Key{e.TenantID, e.ID} }

// Body returns what every receiver of e gets, the same bytes on every attempt
// (Standard Webhooks, "Payload structure").
func (e Event) Body() []byte {
	const members = len(`{"type":"","timestamp":"","data":}`)
	body := make([]byte, 0, members+len(e.Type)+len(e.Timestamp)+len(e.Data))
	body = append(body, `{"type":"`...)
	body = append(body, e.Type...) // from the closed list: nothing to escape
	body = append(body, `","timestamp":"`...)
	body = append(body, e.Timestamp...) // RFC 3339: nothing to escape
	body = append(body, `","data":`...)
	body = append(body, e.Data...)
	return append(body, '}')
}

// Hash is a fingerprint of what a producer sent.
type Hash [sha256.Size]byte

// Hash tells a repeat of an event from another event under the same id. A
// timestamp that we filled in does not count: a producer that sends the same
// message twice leaves us two different ones.
func (e Event) Hash() Hash {
	h := sha256.New()
	timestamp := ""
	if e.timestampGiven {
		timestamp = e.Timestamp
	}
	var length [8]byte
	for _, part := range [][]byte{[]byte(e.TenantID), []byte(e.Type), []byte(timestamp), e.Data} {
		// Lengths keep "ab"+"c" apart from "a"+"bc".
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return Hash(h.Sum(nil))
}

// NewTest returns what the test route sends: type [Test], with data given.
func NewTest(tenantID, id string, at time.Time, data []byte) Event {
	return Event{ID: id, TenantID: tenantID, Type: Test, Timestamp: at.UTC().Format(timestampLayout), Data: data}
}

// timestampLayout is RFC 3339 with the milliseconds that SQS gives us.
const timestampLayout = "2006-01-02T15:04:05.000Z07:00"
