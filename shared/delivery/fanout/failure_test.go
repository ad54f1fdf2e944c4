package fanout_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/deadletter"
)

// mixedBatch returns a small event, a large event, an event without a match, and an
// invalid message.
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

// pick returns the messages of batch with the given ids on another receive.
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
	valid := []string{"small", "large", "unwanted"}
	tests := []struct {
		name    string
		purpose string
		lost    bool // the call was made and its response lost
		failed  []string
		// copies is how often each event is queued in the end. A second copy is allowed
		// only if the function cannot know whether the first was queued.
		copies  map[string]int
		letters int
	}{
		{name: "indexes and hashes not read", purpose: read, failed: valid, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "body not put", purpose: put, failed: []string{"large"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "response to putting a body lost", purpose: put, lost: true, failed: []string{"large"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "deliveries not sent", purpose: send, failed: []string{"small", "large"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "response to sending lost", purpose: send, lost: true, failed: []string{"small", "large"}, copies: map[string]int{"small": 2, "large": 2}, letters: 1},
		{name: "dead letter not sent", purpose: letter, failed: []string{"poison"}, copies: map[string]int{"small": 1, "large": 1}, letters: 1},
		{name: "response to a dead letter lost", purpose: letter, lost: true, failed: []string{"poison"}, copies: map[string]int{"small": 1, "large": 1}, letters: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.subscribe(t, tenant)
			b.faults.set(fail(tt.purpose, 1, tt.lost))
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
			b.wantLetters(t, slices.Repeat([]deadLetter{poison}, tt.letters)...)
		})
	}
}

func TestHandleWhenAnEventIsNotStored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lost   bool
		copies int
	}{
		"call not made": {copies: 2},
		"response lost": {lost: true, copies: 1}, // the next receive finds it stored
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

// SQS may fail any entry of a successful request.
func TestHandleWhenAnEntryIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		part, failed string
		times        int
		copies       map[string]int
	}{
		"once, and retried at once":     {part: `"event_id":"e2"`, times: 1, copies: map[string]int{"e1": 12, "e2": 12, "e3": 12}},
		"the first message of an event": {part: `,10],"event_id":"e2"`, times: 9, failed: "e2", copies: map[string]int{"e1": 12, "e2": 2 + 12, "e3": 12}},
		"the last message of an event":  {part: `[11,12],"event_id":"e2"`, times: 9, failed: "e2", copies: map[string]int{"e1": 12, "e2": 10 + 12, "e3": 12}},
		"all of the first event":        {part: `"event_id":"e1"`, times: 9, failed: "e1", copies: map[string]int{"e1": 12, "e2": 12, "e3": 12}},
		"all of the last event, twice":  {part: `"event_id":"e3"`, times: 2, copies: map[string]int{"e1": 12, "e2": 12, "e3": 12}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for range 12 { // two messages for each event
				b.subscribe(t, tenant)
			}
			batch := []events.SQSMessage{
				message("e1", created(tenant, "e1", `1`)), message("e2", created(tenant, "e2", `1`)), message("e3", created(tenant, "e3", `1`)),
			}
			left := tt.times
			b.faults.set(func(c call) (any, error) {
				if c.purpose != send || left == 0 {
					return c.Make()
				}
				left-- // no lock: the six messages fit into one request
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

// SQS delivers the whole batch again when the process ends before or after any of
// its calls. The test counts the calls, so that it covers a new one too.
func TestHandleAfterACrashAtEveryCall(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		before, after := crashAndRepeat(t, n, false), crashAndRepeat(t, n, true)
		if n > 100 {
			t.Fatal("the calls do not end")
		}
		if !before && !after {
			if n < 6 {
				t.Errorf("the batch made only %d calls", n-1)
			}
			return
		}
	}
}

// crashAndRepeat reports whether the batch made an n-th call.
func crashAndRepeat(t *testing.T, n int, made bool) (reached bool) {
	t.Helper()
	b := setup(t)
	b.subscribe(t, tenant)
	var calls atomic.Int32
	ends := crash(n, made)
	b.faults.set(func(c call) (any, error) {
		calls.Add(1)
		return ends(c)
	})
	batch, poison := mixedBatch()
	b.handle(t, batch...) // the response is lost with the process
	b.faults.set(nil)
	if got := b.handle(t, pick(batch, []string{"small", "large", "unwanted", "poison"}, 2)...); len(got) > 0 {
		t.Errorf("crash at call %d (made: %t): failed again: %v", n, made, got)
	}
	copies := b.copies(t)
	for _, id := range []string{"small", "large"} {
		if copies[id] < 1 || copies[id] > 2 {
			t.Errorf("crash at call %d (made: %t): %s was queued %d times, want once or twice", n, made, id, copies[id])
		}
	}
	letters := b.letters(t)
	if len(letters) < 1 || len(letters) > 2 || letters[0].Body != poison.Body {
		t.Errorf("crash at call %d (made: %t): %d dead letters, want one or two", n, made, len(letters))
	}
	return int(calls.Load()) >= n
}
