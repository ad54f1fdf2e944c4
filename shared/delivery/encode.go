package delivery

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Encode returns d as the body of a queue message.
func (d Delivery) Encode() string { return d.EncodeTo(d.Webhook.ID) }

// EncodeTo returns the body of one queue message that carries d once to each of webhooks,
// which are 1 to [MaxDeliveries] different ids of the tenant of d.Webhook, in place of its id.
// EncodeTo does not use a JSON encoder, which would reformat the event's body, whose
// bytes are signed. No other member needs escaping.
func (d Delivery) EncodeTo(webhooks ...int64) string {
	const members, digits = 256, 20
	var m message
	m.text.Grow(members + digits*len(webhooks) + len(d.Webhook.TenantID) + len(d.Event.ID) + len(d.Type) + 2*len(d.Hash) + len(d.Body))
	m.text.WriteString(`{"kind":"delivery"`)
	m.integer("format", format)
	m.quoted("tenant_id", d.Webhook.TenantID)
	m.integers("webhook_ids", webhooks)
	m.quoted("event_id", d.Event.ID)
	m.quoted("type", string(d.Type))
	m.integer("attempt", int64(d.Attempt))
	m.flag("single", d.Single)
	m.integer("due", d.Due.UnixMilli())
	if !d.Planned.IsZero() {
		m.integer("planned", d.Planned.UnixMilli())
	}
	if !d.FirstDue().Equal(d.Due) {
		m.integer("first", d.First.UnixMilli())
	}
	if d.SlowAt != 0 {
		m.integer("slow_at", d.SlowAt)
	}
	m.flag("held", d.Held)
	if d.Rate != 0 {
		m.member("rate")
		m.text.WriteString(strconv.FormatFloat(d.Rate, 'g', -1, 64))
	}
	m.quoted("hash", hex.EncodeToString(d.Hash[:]))
	if d.Body != nil {
		m.member("body")
		m.text.Write(d.Body)
	}
	m.text.WriteByte('}')
	return m.text.String()
}

// message is the JSON of a message, whose first member is written.
type message struct{ text strings.Builder }

// member begins another member.
func (m *message) member(name string) {
	m.text.WriteString(`,"`)
	m.text.WriteString(name)
	m.text.WriteString(`":`)
}

func (m *message) quoted(name, value string) {
	m.member(name)
	m.text.WriteByte('"')
	m.text.WriteString(value)
	m.text.WriteByte('"')
}

func (m *message) integer(name string, n int64) {
	m.member(name)
	m.digits(n)
}

func (m *message) integers(name string, list []int64) {
	m.member(name)
	separator := byte('[')
	for _, n := range list {
		m.text.WriteByte(separator)
		m.digits(n)
		separator = ','
	}
	m.text.WriteByte(']')
}

func (m *message) digits(n int64) {
	var text [20]byte
	m.text.Write(strconv.AppendInt(text[:0], n, 10))
}

// flag writes a member that is left out when it is false.
func (m *message) flag(name string, on bool) {
	if on {
		m.member(name)
		m.text.WriteString("true")
	}
}
