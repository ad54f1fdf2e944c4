package fanout_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// world is the input and the result of a random run.
type world struct {
	indexes    map[string]webhook.Index
	messages   []events.SQSMessage
	faulty     bool
	deliveries []delivery.Delivery
	letters    []deadLetter
}

// Whatever call fails, every valid event is queued at least once for every
// subscribed webhook, unless another event has the same id. Nothing else is
// queued, and exactly the refused messages become dead letters.
func TestFanoutLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var run atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		w := draw(r, b, fmt.Sprint("run-", run.Add(1)))
		w.play(r, b)
		w.deliveries, w.letters = b.queued(r), b.letters(r)
		w.checkMessages(r)
		w.checkDeliveries(r, b)
		w.checkLetters(r)
	})
}

// draw creates webhooks for two tenants of this run and draws messages.
func draw(r *rapid.T, b bundle, name string) *world {
	w := &world{indexes: make(map[string]webhook.Index)}
	tenants := []string{name + "-a", name + "-b"}
	for _, tenantID := range tenants {
		for range rapid.IntRange(0, 2).Draw(r, "webhooks") {
			b.subscribe(r, tenantID, func(w *webhook.Webhook) {
				w.Events = rapid.SampledFrom([][]event.Type{{event.EnvironmentCreated}, {event.AlertResolved}, event.Types()}).Draw(r, "events")
				w.Enabled = rapid.SampledFrom([]bool{true, true, false}).Draw(r, "enabled")
			})
		}
	}
	var err error
	if w.indexes, err = webhooktest.Indexes(r.Context(), b.direct, b.webhooks, tenants...); err != nil {
		r.Fatal(err)
	}
	large := `"` + strings.Repeat("x", 40_000) + `"`
	for i := range rapid.IntRange(1, 8).Draw(r, "messages") {
		tenantID, id := rapid.SampledFrom(tenants).Draw(r, "tenant"), rapid.SampledFrom([]string{"e1", "e2", "e3"}).Draw(r, "id")
		data := rapid.SampledFrom([]string{"1", "2", large}).Draw(r, "data")
		forms := []string{
			created(tenantID, id, data),
			fmt.Sprintf(`{"id":%q,"type":"alert.resolved","tenant_id":%q,"data":%s}`, id, tenantID, data),
			fmt.Sprintf(`{"type":"alert.resolved","tenant_id":%q,"data":%s}`, tenantID, data),
			fmt.Sprintf(`{"id":%q,"detail-type":"alert.triggered","time":"2026-01-26T10:00:00Z","detail":{"tenant_id":%q,"x":%s}}`, id, tenantID, data),
			fmt.Sprintf(`{"id":%q,"type":"no.such","tenant_id":%q,"data":%s}`, id, tenantID, data),
			`not JSON ` + data,
		}
		w.messages = append(w.messages, message(fmt.Sprint(name, "-m", i), rapid.SampledFrom(forms).Draw(r, "form")))
	}
	return w
}

// play handles the messages in batches until none is left. Failed messages are
// received again. Calls fail in the first three rounds only.
func (w *world) play(r *rapid.T, b bundle) {
	type waiting struct {
		message  events.SQSMessage
		receives int
	}
	var line []waiting
	for _, m := range w.messages {
		line = append(line, waiting{m, 0})
	}
	for round := 0; len(line) > 0; round++ {
		if round > 30 {
			r.Fatalf("%d messages are left after %d rounds", len(line), round)
		}
		b.faults.set(nil)
		if round < 3 && rapid.Bool().Draw(r, "faulty") {
			w.faulty = true
			b.faults.set(drawFault(r))
		}
		n := rapid.IntRange(1, min(len(line), 10)).Draw(r, "batch")
		var batch []events.SQSMessage
		for _, next := range line[:n] {
			batch = append(batch, received(next.message, next.receives+1))
		}
		ids := b.handle(r, batch...)
		for _, next := range line[:n] {
			if slices.Contains(ids, next.message.MessageId) {
				line = append(line, waiting{next.message, next.receives + 1})
			}
		}
		line = line[n:]
	}
	b.faults.set(nil)
}

func drawFault(r *rapid.T) func(call) (any, error) {
	n, lost := rapid.IntRange(1, 3).Draw(r, "call"), rapid.Bool().Draw(r, "lost")
	switch purpose := rapid.SampledFrom([]string{read, put, store, single, send, letter, "crash", "refuse"}).Draw(r, "fault"); purpose {
	case "crash":
		return crash(n, lost)
	case "refuse":
		part := fmt.Sprintf(`"event_id":"e%d"`, n)
		return func(c call) (any, error) {
			if c.purpose != send {
				return c.Make()
			}
			return refuse(c, part)
		}
	default:
		return fail(purpose, n, lost)
	}
}

// valid decodes m and reports whether it is a valid event.
func valid(m events.SQSMessage) (event.Event, bool) {
	e, err := event.Decode(event.Message{ID: m.MessageId, SentAt: sentAt, Body: []byte(m.Body)})
	return e, err == nil
}

func (w *world) isLetter(m events.SQSMessage) bool {
	return slices.ContainsFunc(w.letters, func(l deadLetter) bool { return l.Body == m.Body })
}

// reached returns how often e was queued for the webhook id.
func (w *world) reached(e event.Event, id int64) int {
	n := 0
	for _, d := range w.deliveries {
		if d.Event == e.Key() && d.Hash == e.Hash() && d.Webhook.ID == id {
			n++
		}
	}
	return n
}

func (w *world) checkMessages(r *rapid.T) {
	accepted := make(map[event.Key]bool)
	for _, m := range w.messages {
		e, ok := valid(m)
		if !ok || w.isLetter(m) {
			if !w.isLetter(m) {
				r.Errorf("the invalid message %.100s is not a dead letter", m.Body)
			}
			continue
		}
		accepted[e.Key()] = true
		for _, id := range w.indexes[e.TenantID].Match(e.Type) {
			if n := w.reached(e, id); n == 0 || n > 1 && !w.faulty {
				r.Errorf("%.100s was queued %d times for webhook %d", m.Body, n, id)
			}
		}
	}
	for _, m := range w.messages {
		if e, ok := valid(m); ok && !accepted[e.Key()] {
			r.Errorf("none of the events with the id %s was queued", e.ID)
		}
	}
}

func (w *world) checkDeliveries(r *rapid.T, b bundle) {
	for _, d := range w.deliveries {
		known := slices.ContainsFunc(w.messages, func(m events.SQSMessage) bool {
			e, ok := valid(m)
			return ok && e.Key() == d.Event && e.Hash() == d.Hash && e.Type == d.Type &&
				(d.Body == nil || string(d.Body) == string(e.Body())) &&
				slices.Contains(w.indexes[e.TenantID].Match(e.Type), d.Webhook.ID)
		})
		if !known || d.Webhook.TenantID != d.Event.TenantID || d.Attempt != 1 || !d.Due.Equal(sentAt) {
			r.Errorf("%+v was queued, but belongs to no message", d)
		}
		// Retries read the body from the table even if the first delivery embeds it.
		if _, err := b.events.GetBody(r.Context(), d.Event, d.Hash); err != nil {
			r.Errorf("the body of %s: %v", d.Event.ID, err)
		}
	}
}

func (w *world) checkLetters(r *rapid.T) {
	for _, l := range w.letters {
		sent := slices.IndexFunc(w.messages, func(m events.SQSMessage) bool { return m.Body == l.Body })
		if sent < 0 {
			r.Fatalf("the dead letter %.100s belongs to no message", l.Body)
		}
		e, ok := valid(w.messages[sent])
		rival := slices.ContainsFunc(w.messages, func(m events.SQSMessage) bool {
			other, isEvent := valid(m)
			return isEvent && other.Key() == e.Key() && other.Hash() != e.Hash()
		})
		if ok && (l.Reason != deadletter.Conflict || !rival) {
			r.Errorf("%.100s became a dead letter as %s, other event with its id: %v", l.Body, l.Reason, rival)
		}
	}
}
