package dispatch_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// functionTime is the timeout of the function in template.yaml.
const functionTime = 60 * time.Second

// taking is the lanes of an invocation that may take messages. The time that an attempt
// takes is in the path of its webhook's URL.
type taking struct {
	*several
	source, slowSource *sourceStub
	begun              time.Time

	mu             sync.Mutex
	inFlight, most int
	answered       map[string]time.Duration // by event, since begun
}

func newTaking(t *testing.T) *taking {
	t.Helper()
	s := &taking{several: newSeveral(t), source: new(sourceStub), slowSource: new(sourceStub), begun: time.Now(), answered: make(map[string]time.Duration)}
	s.Source, s.SlowSource = s.source, s.slowSource
	s.Sender = senderFunc(func(ctx context.Context, r attempt.Request) attempt.Result {
		took, err := time.ParseDuration(r.URL[strings.LastIndex(r.URL, "/")+1:])
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.inFlight++
		s.most = max(s.most, s.inFlight)
		s.mu.Unlock()
		pause(ctx, took)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight--
		s.answered[r.ID] = time.Since(s.begun)
		return attempt.Result{StatusCode: 200, ResponseTime: took}
	})
	return s
}

// takes sets how long the attempts to webhooks take.
func (s *taking) takes(took time.Duration, ids ...int64) {
	for _, id := range ids {
		s.webhooks[id] = func(w *webhook.Webhook) { w.URL = "https://receiver.example/" + took.String() }
	}
}

// event returns the message of a first attempt of event n to webhooks.
func (s *taking) event(n int, of string, ids ...int64) events.SQSMessage {
	d := one(n)
	d.Due, d.Event.TenantID, d.Webhook.TenantID = time.Now().Truncate(time.Millisecond).UTC(), of, of
	return message(d.EncodeTo(ids...))
}

// run handles the messages that Lambda gives, and returns those that failed and how long
// the invocation took.
func (s *taking) run(t *testing.T, given ...events.SQSMessage) (failed []string, took time.Duration) {
	t.Helper()
	s.begun = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), functionTime)
	defer cancel()
	response, err := s.Handle(ctx, batch(given...))
	if err != nil || ctx.Err() != nil {
		t.Fatalf("Handle used up the time of its invocation: %v, %v", err, ctx.Err())
	}
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed, time.Since(s.begun)
}

// pollsAt returns when the polls began and how long they waited.
func (s *sourceStub) pollsAt(begun time.Time) (list []string) {
	for _, p := range s.polls {
		list = append(list, fmt.Sprintf("%v for %v", p.at.Sub(begun), p.wait))
	}
	return list
}
