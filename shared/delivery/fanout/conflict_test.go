package fanout_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/metric"
	"webhooks/shared/deadletter"
	"webhooks/shared/event"
	"webhooks/shared/strictjson"
	"webhooks/shared/testkit/metrictest"
)

// overHTTP returns the message of an event that a tenant published.
func overHTTP(t *testing.T, tenantID, id, data string) string {
	t.Helper()
	object, err := strictjson.Parse(fmt.Appendf(nil, `{"id":%q,"type":"environment.created","data":%s}`, id, data))
	if err != nil {
		t.Fatal(err)
	}
	e, refused := event.DecodePublished(object, tenantID, "")
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	return e.Message()
}

// TestConflictsOverHTTPBecomeNoLetter: a tenant that publishes two contents under one
// id must not ring the operator's alarm. A producer's conflict is a dead letter.
func TestConflictsOverHTTPBecomeNoLetter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first func(b bundle, m events.SQSMessage)
		batch func(first, second events.SQSMessage) []events.SQSMessage
	}{
		"in a later batch": {
			first: func(b bundle, m events.SQSMessage) { b.handle(t, m) },
			batch: func(_, second events.SQSMessage) []events.SQSMessage { return []events.SQSMessage{second} },
		},
		"in one batch": {
			first: func(bundle, events.SQSMessage) {},
			batch: func(first, second events.SQSMessage) []events.SQSMessage { return []events.SQSMessage{first, second} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, log, metrics := setup(t), new(bytes.Buffer), metrictest.New()
			b.subscribe(t, tenant)
			first := message("m1", overHTTP(t, tenant, "e1", `1`))
			tt.first(b, first)
			b.Log, b.Metrics = slog.New(slog.NewJSONHandler(log, nil)), metrics.Writer
			batch := append(tt.batch(first, message("m2", overHTTP(t, tenant, "e1", `2`))), message("m3", overHTTP(t, tenant, "e2", `1`)))
			if got := b.handle(t, batch...); len(got) > 0 {
				t.Errorf("failed: %v", got)
			}
			b.wantLetters(t)
			if got := b.queued(t); len(got) != 2 {
				t.Errorf("%d deliveries, want those of the first event and of another", len(got))
			}
			if numbers, _ := metrics.Take(t); !cmp.Equal(numbers[metric.EventsConflict], []int64{1}) {
				t.Errorf("numbers = %v, want 1 conflict", numbers)
			}
			if line := lineWith(log.String(), `"event dropped"`); !contains(line, `"WARN"`, `"tenant_id":"acme"`, `"event_id":"e1"`, `"event_type":"environment.created"`, `"message_id":"m2"`, `"reason":"conflict"`) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// lineWith returns the line of a log that contains text.
func lineWith(log, text string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

func contains(line string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// TestCopiesOfAConflictAreConflicts: another event takes the id of an event and of its
// copy while both are fanned out. The copy must not count as a duplicate of an event
// that was not stored.
func TestCopiesOfAConflictAreConflicts(t *testing.T) {
	t.Parallel()
	b, log := setup(t), new(lockedBuffer)
	b.subscribe(t, tenant)
	b.Log = slog.New(slog.NewJSONHandler(log, nil))
	winner := decode(t, created(tenant, "e1", `1`))
	b.faults.set(func(c call) (any, error) {
		if c.purpose == store {
			if err := b.events.Create(t.Context(), winner, nil, now); err != nil {
				return nil, err
			}
		}
		return c.Make()
	})
	loser := created(tenant, "e1", `2`)
	if got := b.handle(t, message("m1", loser), message("m2", loser), message("m3", created(tenant, "e2", `1`))); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	conflict := deadLetter{Body: loser, Reason: deadletter.Conflict, EventID: "e1"}
	b.wantLetters(t, conflict, conflict)
	if text := log.String(); strings.Contains(text, "duplicate") || strings.Count(text, `"event set aside"`) != 2 {
		t.Errorf("log:\n%s", text)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestRefusedEventsAreNamedInTheLog: an operator can tell the producer which event was
// refused, for every reason.
func TestRefusedEventsAreNamedInTheLog(t *testing.T) {
	t.Parallel()
	const members = `"id":"e1","type":"environment.created","tenant_id":"acme"`
	for name, tt := range map[string]struct {
		body     string
		receives int
		message  string
		want     [3]string // tenant, event, type
	}{
		"not JSON":           {body: `{` + members + `,"data":1`, want: [3]string{"acme", "e1", "environment.created"}},
		"a member twice":     {body: `{` + members + `,"data":1,"data":2}`, want: [3]string{"acme", "e1", "environment.created"}},
		"an unknown member":  {body: `{` + members + `,"data":1,"x":2}`, want: [3]string{"acme", "e1", "environment.created"}},
		"no data":            {body: `{` + members + `}`, want: [3]string{"acme", "e1", "environment.created"}},
		"both forms":         {body: `{` + members + `,"detail":{}}`, want: [3]string{"acme", "e1", "environment.created"}},
		"an unknown type":    {body: `{"id":"e1","type":"no.such","tenant_id":"acme","data":1}`, want: [3]string{"acme", "e1", "no.such"}},
		"an invalid id":      {body: `{"id":"e 1","type":"environment.created","tenant_id":"acme","data":1}`, want: [3]string{"acme", "e?1", "environment.created"}},
		"an invalid tenant":  {body: `{"id":"e1","type":"environment.created","tenant_id":"a\nb","data":1}`, want: [3]string{"a?b", "e1", "environment.created"}},
		"an invalid time":    {body: `{` + members + `,"timestamp":"today","data":1}`, want: [3]string{"acme", "e1", "environment.created"}},
		"large data":         {body: `{"data":"` + strings.Repeat("x", event.MaxData) + `",` + members + `}`, want: [3]string{"acme", "e1", "environment.created"}},
		"a large message":    {body: `{` + members + `,"data":1}` + strings.Repeat(" ", event.MaxMessage), want: [3]string{"acme", "e1", "environment.created"}},
		"deep data":          {body: `{"data":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `,` + members + `}`, want: [3]string{"acme", "e1", "environment.created"}},
		"an envelope":        {body: `{"id":"e1","detail-type":"no.such","time":"2026-01-26T10:00:00Z","detail":{"tenant_id":"acme"}}`, want: [3]string{"acme", "e1", "no.such"}},
		"too many receives":  {body: `{` + members + `,"data":1}`, receives: maxReceiveCount, want: [3]string{"acme", "e1", "environment.created"}},
		"a failed event":     {body: `{` + members + `,"data":1}`, message: "event failed", want: [3]string{"acme", "e1", "environment.created"}},
		"nothing to be read": {body: `hello`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, log := setup(t), new(bytes.Buffer)
			b.Log = slog.New(slog.NewJSONHandler(log, nil))
			want := "event set aside"
			if tt.message != "" {
				want = tt.message
				b.faults.set(fail(read, 1, false))
			}
			b.handle(t, received(message("m1", tt.body), max(tt.receives, 1)))
			line := lineWith(log.String(), want)
			if !contains(line, `"message_id":"m1"`, `"tenant_id":"`+tt.want[0]+`"`, `"event_id":"`+tt.want[1]+`"`, `"event_type":"`+tt.want[2]+`"`) {
				t.Errorf("log = %s, want %q with %q", log, want, tt.want)
			}
			if tt.message != "" {
				return
			}
			letters := b.drain(t, b.deadLetters)
			if len(letters) != 1 {
				t.Fatalf("%d dead letters, want 1", len(letters))
			}
			got := [3]string{}
			for i, name := range []string{"tenant_id", "event_id", "event_type"} {
				if v := letters[0].MessageAttributes[name].StringValue; v != nil {
					got[i] = *v
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("attributes of the letter (-want +got):\n%s", diff)
			}
		})
	}
}
