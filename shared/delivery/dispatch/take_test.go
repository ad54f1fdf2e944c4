package dispatch_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/webhook"
)

func TestABatchOfFastReceiversPollsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(399*time.Millisecond, 1)
		s.source.arrive(0, s.event(2, tenant, 1))
		if _, took := s.run(t, s.event(1, tenant, 1)); len(s.source.polls) != 0 || took != 399*time.Millisecond {
			t.Errorf("%v polls in %v, want none", s.source.polls, took)
		}
		s.run(t, message("unreadable"))
		if len(s.source.polls) != 0 {
			t.Error("an invocation without attempts polls")
		}
	})
}

// The first poll returns at once, and the others wait for messages. There is one at a
// time.
func TestAnInvocationThatWaitsPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(3500*time.Millisecond, 1)
		if failed, took := s.run(t, s.event(1, tenant, 1)); failed != nil || took != 4*time.Second {
			t.Errorf("failed %v after %v, want the end of the last poll", failed, took)
		}
		want := []string{"400ms for 0s", "1s for 1s", "2s for 1s", "3s for 1s"}
		if diff := cmp.Diff(want, s.source.pollsAt(s.begun)); diff != "" || len(s.slowSource.polls) != 0 {
			t.Errorf("polls (-want +got):\n%s", diff)
		}
		for _, p := range s.source.polls {
			if end := p.at.Add(p.hidden); end.Before(s.begun.Add(functionTime)) || end.After(s.begun.Add(functionTime+5*time.Second)) {
				t.Errorf("a poll at %v hides its messages for %v, want until shortly after the end of the invocation", p.at.Sub(s.begun), p.hidden)
			}
		}
	})
}

// Twenty events go to a receiver that takes 14 s and twenty to a fast one. There is no
// other invocation.
func TestFastReceiversDoNotWaitForSlowOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(14*time.Second, 1)
		s.takes(100*time.Millisecond, 2)
		var given []events.SQSMessage
		for n := range 10 {
			given = append(given, s.event(n, tenant, 1))
		}
		for n := range 10 {
			s.source.arrive(0, s.event(10+n, tenant, 1))
		}
		for n := range 20 {
			s.source.arrive(time.Duration(n)*50*time.Millisecond, s.event(100+n, tenant, 2))
		}
		if failed, _ := s.run(t, given...); failed != nil || len(s.answered) != 40 || len(s.source.deleted) != 30 {
			t.Fatalf("failed %v, %d answered, %d deleted", failed, len(s.answered), len(s.source.deleted))
		}
		for n := range 20 {
			sent := time.Duration(n) * 50 * time.Millisecond
			if after := s.answered[fmt.Sprintf("evt_%d", 100+n)] - max(sent, 400*time.Millisecond); after > 700*time.Millisecond {
				t.Errorf("event %d to the fast receiver is answered after %v", n, after)
			}
		}
	})
}

// However many messages wait, and however many deliveries they carry.
func TestAnInvocationHasAtMostAHundredRequestsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		var ids []int64
		for id := int64(1); id <= 10; id++ {
			s.takes(5*time.Second, id)
			ids = append(ids, id)
		}
		var given []events.SQSMessage
		for n := range 20 {
			given = append(given, s.event(n, fmt.Sprintf("tenant-%d", n), ids...))
		}
		s.source.arrive(0, given[10:]...)
		if failed, _ := s.run(t, given[:10]...); failed != nil || s.most != 100 || len(s.answered) != 20 {
			t.Errorf("failed %v, %d requests at once, %d events answered, want at most 100 and all answered", failed, s.most, len(s.answered))
		}
	})
}

// Taking ends at a random time, so that the invocations that one wave began do not stop
// together. The last poll is early enough for an attempt.
func TestTakingEndsAtARandomTime(t *testing.T) {
	t.Parallel()
	for random, end := range map[float64]time.Duration{0: 20 * time.Second, 0.5: 31250 * time.Millisecond, 0.9999: 42500 * time.Millisecond} {
		t.Run(fmt.Sprint(random), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTaking(t)
				s.Random = func() float64 { return random }
				s.takes(15*time.Second, 1)
				for n := range 60 {
					s.source.arrive(time.Duration(n)*time.Second, s.event(10+n, tenant, 1))
				}
				_, took := s.run(t, s.event(1, tenant, 1))
				last := s.source.polls[len(s.source.polls)-1].at.Sub(s.begun)
				if last > end-time.Second || last < end-2500*time.Millisecond || took > end+16*time.Second {
					t.Errorf("the last poll begins after %v and the invocation takes %v, want no poll after %v", last, took, end)
				}
			})
		})
	}
}

func TestAFailedPollIsLoggedOnceAndRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		log := logOf(s.Dispatcher)
		s.takes(5*time.Second, 1)
		s.source.refuseReceive = errBroken
		if failed, took := s.run(t, s.event(1, tenant, 1)); failed != nil || took != 5*time.Second {
			t.Errorf("failed %v after %v", failed, took)
		}
		if n := strings.Count(log.text.String(), `"level":"WARN","msg":"no messages could be taken"`); n != 1 || len(s.source.polls) != 6 {
			t.Errorf("%d log lines, polls %v, want one line, a second poll at once and then one a second", n, s.source.pollsAt(s.begun))
		}
	})
}

// The connection to SQS may have ended while the function was frozen.
func TestAPollThatFailsOnceDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(5*time.Second, 1)
		s.takes(100*time.Millisecond, 2)
		s.source.refuseFirst = errBroken
		s.source.arrive(0, s.event(2, tenant, 2))
		if failed, _ := s.run(t, s.event(1, tenant, 1)); failed != nil || s.answered["evt_2"] != 500*time.Millisecond {
			t.Errorf("failed %v, answered %v, want the second event after the first wait", failed, s.answered)
		}
	})
}

func TestTheSlowLaneTakesFromItsOwnQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(15*time.Second, 1)
		s.webhooks[2] = func(w *webhook.Webhook) {
			w.URL, w.Health.SlowUntil = "https://receiver.example/15s", time.Now().Add(time.Minute)
		}
		s.slowSource.arrive(0, s.event(2, tenant, 2))
		if failed, _ := s.run(t, inSlowLane(s.event(1, tenant, 1))); failed != nil || len(s.answered) != 2 || len(s.slow) != 0 {
			t.Errorf("failed %v, answered %v, forwarded %v", failed, s.answered, s.slow)
		}
		if len(s.source.polls) != 0 || len(s.slowSource.deleted) != 1 {
			t.Errorf("%d polls of the other queue, deleted %v", len(s.source.polls), s.slowSource.deleted)
		}
	})
}
