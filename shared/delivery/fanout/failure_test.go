package fanout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/deadletter"
)

// One batch of every kind: a small event, a large one, one that nobody wants,
// and one that cannot be read.
func mixedBatch() (batch []events.SQSMessage, poison deadLetter) {
	poison = deadLetter{Body: `{"id":"poison"}`, Reason: deadletter.MissingField, EventID: "poison"}
	return []events.SQSMessage{
		message("small", created(tenant, "small", `1`)),
		message("large", created(tenant, "large", `"`+strings.Repeat("x", 40_000)+`"`)),
		message("unwanted", created("nobody", "unwanted", `1`)),
		message("poison", poison.Body),
	}, poison
}

// copies counts the deliveries of each event.
func (b bundle) copies(t *testing.T) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, d := range b.queued(t) {
		counts[d.Event.ID]++
	}
	return counts
}

// pick returns those of batch that failed, as SQS delivers them again.
func pick(batch []events.SQSMessage, ids []string, receive int) []events.SQSMessage {
	var again []events.SQSMessage
	for _, m := range batch {
		if slices.Contains(ids, m.MessageId) {
			again = append(again, received(m, receive))
		}
	}
	return again
}

func TestHandleWhenADependencyFails(t *testing.T) {
	t.Parallel()
	readable := []string{"small", "large", "unwanted"}
	tests := []struct {
		name   string
		what   string
		lost   bool // the call was made and its answer lost
		failed []string
		// copies is how often each event is queued in the end: again only where
		// it cannot be known whether it was.
		copies  map[string]int
		letters int
	}{
		{name: "indexes and known events not read", what: look, failed: readable, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "body not put", what: put, failed: []string{"large"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "answer of putting a body lost", what: put, lost: true, failed: []string{"large"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "deliveries not sent", what: send, failed: []string{"small", "large"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "answer of sending lost", what: send, lost: true, failed: []string{"small", "large"}, copies: map[string]int{"small": 2, "large": 2}, letters: 1},
		{name: "dead letter not sent", what: letter, failed: []string{"poison"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "answer of a dead letter lost", what: letter, lost: true, failed: []string{"poison"}, copies: map[string]int{"small": 1, "large": 1}, letters: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.subscribe(t, tenant)
			b.faults.set(fail(tt.what, 1, tt.lost))
			batch, poison := mixedBatch()
			got := b.handle(t, batch...)
			if diff := cmp.Diff(tt.failed, got); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if got := b.handle(t, pick(batch, got, 2)...); len(got) > 0 {
				t.Errorf("failed again: %v", got)
			}
			if diff := cmp.Diff(tt.copies, b.copies(t)); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
			b.wantSetAside(t, slices.Repeat([]deadLetter{poison}, tt.letters)...)
		})
	}
}

func TestHandleWhenAnEventIsNotStored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lost   bool
		copies int
	}{
		"not made":    {copies: 2},
		"answer lost": {lost: true, copies: 1}, // it is known the next time
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.subscribe(t, tenant)
			only := message("only", created(tenant, "only", `1`))
			b.faults.set(fail(store, 1, tt.lost))
			if diff := cmp.Diff([]string{"only"}, b.handle(t, only)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			b.faults.set(nil)
			if got := b.handle(t, received(only, 2)); len(got) > 0 {
				t.Errorf("failed again: %v", got)
			}
			if diff := cmp.Diff(map[string]int{"only": tt.copies}, b.copies(t)); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
		})
	}
}

// SQS may refuse any entry of a request that it accepted otherwise.
func TestHandleWhenAnEntryIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		part, failed string
		times        int
		copies       map[string]int
	}{
		"once: sent again at once":            {part: `"event_id":"e2"`, times: 1, copies: map[string]int{"e1": 2, "e2": 2, "e3": 2}},
		"the first delivery of an event":      {part: `"webhook_id":1,"event_id":"e2"`, times: 9, failed: "e2", copies: map[string]int{"e1": 2, "e2": 3, "e3": 2}},
		"the last delivery of an event":       {part: `"webhook_id":2,"event_id":"e2"`, times: 9, failed: "e2", copies: map[string]int{"e1": 2, "e2": 3, "e3": 2}},
		"all of the first event":              {part: `"event_id":"e1"`, times: 9, failed: "e1", copies: map[string]int{"e1": 2, "e2": 2, "e3": 2}},
		"all of the last event, twice in row": {part: `"event_id":"e3"`, times: 2, copies: map[string]int{"e1": 2, "e2": 2, "e3": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.subscribe(t, tenant)
			b.subscribe(t, tenant)
			batch := []events.SQSMessage{
				message("e1", created(tenant, "e1", `1`)), message("e2", created(tenant, "e2", `1`)), message("e3", created(tenant, "e3", `1`)),
			}
			left := tt.times
			b.faults.set(func(c call) (any, error) {
				if c.what != send || left == 0 {
					return c.Make()
				}
				left-- // one request at a time: six messages fit in one
				return refuse(c, tt.part)
			})
			got := b.handle(t, batch...)
			if strings.Join(got, " ") != tt.failed {
				t.Errorf("failed: %v, want %q", got, tt.failed)
			}
			b.faults.set(nil)
			if got := b.handle(t, pick(batch, got, 2)...); len(got) > 0 {
				t.Errorf("failed again: %v", got)
			}
			if diff := cmp.Diff(tt.copies, b.copies(t)); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
		})
	}
}
