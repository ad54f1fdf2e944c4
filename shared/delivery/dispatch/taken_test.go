package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/dispatch"
)

// A taken message is deleted when all its deliveries are settled, and not before its
// logs are written.
func TestATakenMessageIsDeletedAfterItIsSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(5*time.Second, 1)
		s.takes(100*time.Millisecond, 2)
		s.takes(2*time.Second, 3)
		logged := make(map[string]int)
		s.Logs = logsFunc(func(_ context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
			for _, l := range logs {
				logged[l.EventID]++
			}
			return nil, nil
		})
		s.source.deleting = func(handle string) {
			if got := logged["evt_2"]; got != 2 || handle != "handle of taken-1" {
				t.Errorf("%q is deleted after %d logs, want two", handle, got)
			}
		}
		s.source.arrive(0, s.event(2, tenant, 2, 3))
		if failed, _ := s.run(t, s.event(1, tenant, 1)); failed != nil || len(s.source.deleted) != 1 {
			t.Errorf("failed %v, deleted %v", failed, s.source.deleted)
		}
	})
}

// Until the last moment the flush waits for tables and queues that hang. What is settled
// then is deleted all the same.
func TestATakenMessageIsDeletedAfterAFlushThatUsedUpTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(2*time.Second, 1)
		s.Logs = logsFunc(func(ctx context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
			<-ctx.Done()
			return logs, ctx.Err()
		})
		s.Queue = queueFunc(func(ctx context.Context, messages []queue.Message) []error {
			<-ctx.Done()
			return allOf(len(messages), ctx.Err())
		})
		s.source.arrive(0, s.event(2, tenant, 1))
		failed, took := s.run(t, s.event(1, tenant, 1))
		if failed != nil || took >= functionTime || len(s.source.deleted) != 1 {
			t.Errorf("failed %v after %v, deleted %v, want one message deleted in time", failed, took, s.source.deleted)
		}
	})
}

func TestATakenMessageThatCannotBeDeletedComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		log := logOf(s.Dispatcher)
		s.takes(2*time.Second, 1)
		s.source.refuseDelete = errBroken
		s.source.arrive(0, s.event(2, tenant, 1))
		if failed, _ := s.run(t, s.event(1, tenant, 1)); failed != nil || len(s.answered) != 2 {
			t.Errorf("failed %v, answered %v", failed, s.answered)
		}
		if !log.contains(`"level":"WARN","msg":"a taken message could not be deleted and will be received again","message_id":"taken-1"`) {
			t.Errorf("log: %s", log.text.String())
		}
	})
}

// In an outage a message would otherwise use up its receives within minutes. Those that
// Lambda gave are hidden as long.
func TestATakenMessageThatFailsIsHiddenAsLongAsAGivenOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		log := logOf(s.Dispatcher)
		s.takes(2*time.Second, 1)
		s.unreadable[2] = errBroken
		s.source.arrive(0, s.event(2, tenant, 2), s.event(3, tenant, 1))
		if failed, _ := s.run(t, s.event(1, tenant, 1)); failed != nil {
			t.Errorf("the response names %v, want only given messages in it", failed)
		}
		want := map[string]time.Duration{"handle of taken-1": visibility}
		if diff := cmp.Diff(want, s.source.changed); diff != "" || !slices.Equal(s.source.deleted, []string{"handle of taken-2"}) {
			t.Errorf("deleted %v, hidden (-want +got):\n%s", s.source.deleted, diff)
		}
		if !log.contains(`"message failed and will be received again","message_id":"taken-1"`) {
			t.Errorf("log: %s", log.text.String())
		}
	})
}

// A poll is never cancelled: what SQS handed out would stay hidden.
func TestMessagesThatComeTooLateGoBackAtOnce(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]error{"given back": nil, "hidden until the end": errBroken} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTaking(t)
				s.takes(time.Second, 1)
				s.source.late, s.source.refuseHide = 45*time.Second, refused
				s.source.arrive(0, s.event(2, tenant, 1), s.event(3, tenant, 1))
				if failed, took := s.run(t, s.event(1, tenant, 1)); failed != nil || took > 46*time.Second || len(s.answered) != 1 {
					t.Errorf("failed %v after %v, answered %v", failed, took, s.answered)
				}
				want := map[string]time.Duration{"handle of taken-1": 0, "handle of taken-2": 0}
				if diff := cmp.Diff(want, s.source.changed); diff != "" || len(s.source.deleted) != 0 {
					t.Errorf("deleted %v, hidden (-want +got):\n%s", s.source.deleted, diff)
				}
			})
		})
	}
}

// Whatever comes when, and however long receivers take: the invocation ends in time, no
// request begins too late, and every taken message is deleted, given back or hidden.
func TestEveryTakenMessageIsAccountedFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		random, late := rapid.Float64Range(0, 0.999).Draw(rt, "random"), time.Duration(rapid.IntRange(0, 3000).Draw(rt, "late"))*time.Millisecond
		times := rapid.SliceOfN(rapid.IntRange(1, 15000), 5, 5).Draw(rt, "attempts")
		arrivals := rapid.SliceOfN(rapid.IntRange(0, 60000), 0, 80).Draw(rt, "arrivals")
		broken := rapid.Bool().Draw(rt, "a webhook is unreadable")
		synctest.Test(t, func(t *testing.T) {
			s := newTaking(t)
			s.Random, s.source.late = func() float64 { return random }, late
			for i, took := range times {
				s.takes(time.Duration(took)*time.Millisecond, int64(i+1))
			}
			if broken {
				s.unreadable[3] = errBroken
			}
			s.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error { return allOf(len(messages), nil) })
			for n, at := range arrivals {
				ids := []int64{1 + int64(n)%5}
				if n%3 == 0 {
					ids = append(ids, 1+int64(n+1)%5)
				}
				s.source.arrive(time.Duration(at)*time.Millisecond, s.event(n, fmt.Sprintf("tenant-%d", n%4), ids...))
			}
			_, took := s.run(t, s.event(1000, tenant, 1), s.event(1001, tenant, 2))
			got := 0
			for _, p := range s.source.polls {
				got += p.got
			}
			settled := make(map[string]bool)
			for _, handle := range s.source.deleted {
				settled[handle] = true
			}
			for handle := range s.source.changed {
				settled[handle] = true
			}
			if len(settled) != got || len(s.source.deleted)+len(s.source.changed) != got || s.most > 100 || took > functionTime-500*time.Millisecond {
				rt.Fatalf("%d messages taken, %d deleted, %d changed, %d requests at once, %v", got, len(s.source.deleted), len(s.source.changed), s.most, took)
			}
		})
	})
}

// A panic in taking, deleting or giving back messages repeats no attempt and ends no
// process.
func TestAPanicOfTheSourceFailsNoMessage(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]func(*sourceStub) dispatch.Source{
		"receive": func(*sourceStub) dispatch.Source { return brokenSource{} },
		"delete":  func(s *sourceStub) dispatch.Source { return brokenDelete{s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTaking(t)
				log := logOf(s.Dispatcher)
				s.takes(2*time.Second, 1)
				s.source.arrive(0, s.event(2, tenant, 1))
				s.Source = source(s.source)
				if failed, _ := s.run(t, s.event(1, tenant, 1)); failed != nil || !log.contains(`"msg":"panic"`) {
					t.Errorf("failed %v, log: %s", failed, log.text.String())
				}
			})
		})
	}
}

// brokenSource panics wherever it is called, and brokenDelete only there.
type brokenSource struct{}

func (brokenSource) Receive(context.Context, int, time.Duration, time.Duration) ([]events.SQSMessage, error) {
	panic("broken")
}
func (brokenSource) Delete(context.Context, []string) []error              { panic("broken") }
func (brokenSource) Hide(context.Context, []string, time.Duration) []error { panic("broken") }

type brokenDelete struct{ *sourceStub }

func (brokenDelete) Delete(context.Context, []string) []error { panic("broken") }
