package crash_test

import (
	"crypto/rand"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

const (
	// receives is what the queues of the template allow.
	receives = 50
	// fewReceives makes every message that failed once a dead letter, which is
	// then redriven with a new message id.
	fewReceives = 3
	// near is a cursor that leaves the retrier only what is due to look at, and
	// behind is how far it follows in truth.
	near, behind = 2 * time.Minute, 11 * time.Minute
	// apart is how many calls are between two that fail in one walk, where not
	// every call has a walk of its own.
	apart = 9
	// farApart is the same for deaths, each of which makes a walk longer.
	farApart = 23
	// tight is the same where only the dispatcher fails: no further apart than the
	// queue, the table and what stands in for them.
	tight = 5
)

// one returns how far apart the failures of a walk are: 0, one failure in a
// walk, when `make crash` takes its time.
func one(otherwise int) int {
	if os.Getenv("CRASH") == "all" {
		return 0
	}
	return otherwise
}

// TestCrashAtEveryCall lets every call that a kind of failure applies to fail,
// until a walk does not come to its n-th call any more.
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			walks(t, k, newWorld(t, receives, near), one(k.apart))
		})
	}
}

// TestRedriveAfterEveryFailure is the same, but what failed once is set aside.
func TestRedriveAfterEveryFailure(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			walks(t, k, newWorld(t, fewReceives, near), one(max(k.apart, apart)))
		})
	}
}

// TestCrashAtEveryCallOfTheWholeLook has the cursor where it is in truth: the
// retrier looks at every minute since.
func TestCrashAtEveryCallOfTheWholeLook(t *testing.T) {
	t.Parallel()
	walks(t, kinds()[0], newWorld(t, receives, behind), one(farApart))
}

// TestCrashAroundTheLastAttempt has a breaker that stays open: what it holds makes
// one attempt when its time is over, and no more.
func TestCrashAroundTheLastAttempt(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, receives, near)
			w.shut = true
			walks(t, k, w, one(max(k.apart, apart)))
		})
	}
}

// TestADispatcherThatFailsRepeatsNoAttempt lets only the dispatcher's calls fail,
// and more of them: with failures of the others beside them, a walk cannot tell
// whose fault a request too many is.
func TestADispatcherThatFailsRepeatsNoAttempt(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		if k.notAgain != dispatcherName {
			continue
		}
		k.only, k.again, k.why = dispatcherName, 0, "a finished attempt is not made again for bookkeeping"
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			walks(t, k, newWorld(t, receives, near), one(tight))
		})
	}
}

// TestAWalkWithoutFailures makes no request too many, and fewer calls than may
// fail in stride: the last ones would never.
func TestAWalkWithoutFailures(t *testing.T) {
	t.Parallel()
	nothing := kind{name: "nothing", applies: every, why: "nothing failed"}
	for name, w := range map[string]*world{
		"as it is": newWorld(t, receives, near), "the whole look": newWorld(t, receives, behind), "few receives": newWorld(t, fewReceives, near),
		"to the last attempt": newWorld(t, receives, near),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.shut = name == "to the last attempt"
			tenant, r := w.people(t)
			(&walk{kind: nothing}).along(t, w, tenant, r).check(r, tenant)
			dying := nothing
			dying.dies = true // the answers to Lambda count, too
			done := (&walk{kind: dying}).along(t, w, tenant, r)
			done.check(r, tenant)
			const fewer = stridden - farApart // whole strides, at the widest
			if done.calls < 10 || done.calls >= fewer || len(done.log) > 0 {
				t.Errorf("%d calls, %d of which failed, want less than %d and none", done.calls, len(done.log), fewer)
			}
		})
	}
}

// people returns a tenant with two webhooks, and their receiver.
func (w *world) people(t *testing.T) (tenant string, r *receiver) {
	t.Helper()
	tenant, r = "tenant-"+rand.Text(), newReceiver(t, &w.dead)
	for _, path := range []string{"/flaky", "/fine"} { // the webhooks 1 and 2
		if _, err := w.hooks.Create(t.Context(), webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.URL = r.url + path }), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return tenant, r
}

// along walks in world to the end, with the events of tenant.
func (w *walk) along(t *testing.T, world *world, tenant string, r *receiver) *walk {
	t.Helper()
	w.world, w.t, w.name = world, t, "w"+rand.Text()
	r.forget()
	w.begin(tenant, r.url)
	for steps := 0; w.step(); steps++ {
		if steps > 100 {
			t.Fatalf("%s: the walk never ends: waiting %v, rows %v", w, w.waiting, w.rows())
		}
	}
	world.faults.Set(nil)
	return w
}

// walks makes walks in which call n fails, for n from 1; with a stride also
// those that are it and its multiples behind.
func walks(t *testing.T, k kind, world *world, stride int) {
	t.Helper()
	tenant, r := world.people(t)
	total, most, failed := 0, 0, 0
	for n := 1; ; n++ {
		w := (&walk{kind: k, number: n, stride: stride}).along(t, world, tenant, r)
		again := w.check(r, tenant)
		total, most = total+again, max(most, again)
		if failed += len(w.log); len(w.log) == 0 || n == stride {
			if failed < 10 {
				t.Errorf("%d calls failed, which cannot be all", failed)
			}
			t.Logf("%s: %d calls failed in %d walks: %d requests more than necessary, at most %d in a walk", k.name, failed, n, total, most)
			return
		}
	}
}

func (w *walk) String() string {
	return fmt.Sprintf("%s (%s, %d redriven)", strings.Join(w.log, ", "), w.kind.name, w.redriven)
}

// check looks at what a walk left behind, and returns how many requests were
// more than necessary.
func (w *walk) check(r *receiver, tenant string) (again int) {
	t := w.t
	if rows := w.read(); len(rows) > 0 {
		t.Errorf("%s: %d rows are orphaned", w, len(rows))
	}
	w.checkLetters()
	of := func(id int64) webhook.Key { return webhook.Key{TenantID: tenant, ID: id} }
	for path, key := range map[string]webhook.Key{"flaky": of(flaky), "fine": of(fine), w.path: w.held} {
		page, err := w.logs.List(t.Context(), key, math.MaxInt64, 1, 100, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"-small", "-large"}
		if path == w.path {
			names = []string{"-held"}
		}
		for _, name := range names {
			requests, answered := r.count(path, w.name+name)
			if requests == 0 || path != w.path && answered == 0 {
				t.Errorf("%s: %s got %d requests of %s, %d answered 2xx: it is lost", w, path, requests, name, answered)
			}
			again += requests - w.checkLogs(page.Logs, path, w.name+name, requests)
		}
	}
	most := w.kind.again * max(1, len(w.log))
	if !w.others {
		// A finished attempt is never repeated for the sake of bookkeeping.
		most = 0
	}
	if again > most {
		t.Errorf("%s: %d requests more than necessary, want at most %d (%s)", w, again, most, w.kind.why)
	}
	return again
}

// checkLogs wants a log of every attempt that was finished, and returns how
// many attempts there were. One whose process ended before it could write
// anything was made again.
func (w *walk) checkLogs(all []attemptlog.Log, path, eventID string, requests int) (attempts int) {
	made := make(map[int]bool)
	var history []string
	logs, last := 0, attemptlog.Log{}
	for _, l := range all {
		if l.EventID != eventID || l.Failure == string(attempt.FailureHeld) {
			continue // held back is no attempt
		}
		history = append(history, fmt.Sprintf("%d %s %s", l.Attempt, l.Outcome, l.Failure))
		// A copy that came after the 410 made no request.
		if made[l.Attempt] = true; l.Outcome != attemptlog.Skipped {
			logs++
		}
		if l.Outcome == attemptlog.Delivered || l.Outcome == attemptlog.Failed {
			last = l
		}
		if path == "shut" && (l.Outcome != attemptlog.Failed || l.CreatedAt.Before(w.begun.Add(w.dispatcher.Schedule.Total()))) {
			w.t.Errorf("%s: %s began at %v and has an attempt that is not its last at %v: %s", w, eventID, w.begun, l.CreatedAt, l.Outcome)
		}
	}
	if last.EventID == "" || !made[1] || len(made) < last.Attempt {
		w.t.Errorf("%s: %s to %s has logs of the attempts %v and ends with %q", w, eventID, path, made, last.Outcome)
	}
	if !w.kind.dies && logs != requests {
		w.t.Errorf("%s: %s to %s was requested %d times and has %d logs: %v", w, eventID, path, requests, logs, history)
	}
	return len(made)
}

// checkLetters wants what can never be delivered in the dead letters, and
// nothing else.
func (w *walk) checkLetters() {
	found := make(map[deadletter.Reason]int)
	for _, m := range w.letters {
		found[deadletter.Reason(m.attributes["reason"])]++
	}
	poison, conflicts := found[deadletter.UnknownType], found[deadletter.Conflict]
	if poison < 1 || conflicts < 1 || len(found) != 2 {
		w.t.Errorf("%s: dead letters by reason: %v", w, found)
	}
}
