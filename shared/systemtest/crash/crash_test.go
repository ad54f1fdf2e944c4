package crash_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

const (
	// maxReceives is the maxReceiveCount of the template's queues.
	maxReceives = 50
	// fewReceives turns every message that failed once into a dead letter, which is
	// then redriven under a new message id.
	fewReceives = 3
	// shortLag is how far the retrier's cursor is behind the clock when it reads only
	// minutes that have due rows. realLag is its real distance.
	shortLag, realLag = 2 * time.Minute, 11 * time.Minute
	// errorStride is the distance between two calls that fail in one walk, in calls.
	errorStride = 9
	// crashStride is the same for crashes, each of which makes a walk longer.
	crashStride = 23
	// dispatcherStride is the same when only calls of the dispatcher fail. It is small
	// enough to hit the queue, the table and the fallbacks in one walk.
	dispatcherStride = 5
)

// stride returns n, or 0 for `make crash`: then only one call fails in each walk.
func stride(n int) int {
	if os.Getenv("CRASH") == "all" {
		return 0
	}
	return n
}

// TestCrashAtEveryCall applies each failure to every call that can fail in this way.
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			walks(t, f, newWorld(t, maxReceives, shortLag), stride(f.stride))
		})
	}
}

// TestRedriveAfterEveryFailure does the same on queues that make a dead letter of
// a message after its first failure, and redrives the dead letters.
func TestRedriveAfterEveryFailure(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			walks(t, f, newWorld(t, fewReceives, shortLag), stride(f.stride))
		})
	}
}

// TestCrashWithTheCursorFarBehind has the cursor at its real distance, so the
// retrier reads every minute in between.
func TestCrashWithTheCursorFarBehind(t *testing.T) {
	t.Parallel()
	walks(t, failures()[0], newWorld(t, maxReceives, realLag), stride(crashStride))
}

// TestCrashAroundTheLastAttempt has a breaker that stays open. A delivery that it
// holds back makes exactly one attempt, at the end of the schedule.
func TestCrashAroundTheLastAttempt(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, maxReceives, shortLag)
			w.staysOpen = true
			walks(t, f, w, stride(f.stride))
		})
	}
}

// TestErrorsOfTheDispatcherRepeatNoAttempt makes only the dispatcher's calls fail.
// If others failed too, a walk could not tell which failure repeated a request.
func TestErrorsOfTheDispatcherRepeatNoAttempt(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		if f.repeatsNoAttemptIn != dispatcherName {
			continue
		}
		f.only, f.maxRepeats, f.why = dispatcherName, 0, "a finished attempt is never repeated because of bookkeeping"
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			walks(t, f, newWorld(t, maxReceives, shortLag), stride(dispatcherStride))
		})
	}
}

// TestWalkWithoutFailures checks that such a walk repeats no request, and makes
// fewer calls than maxWithStride allows: otherwise its last calls would never fail.
func TestWalkWithoutFailures(t *testing.T) {
	t.Parallel()
	nothing := failure{name: "nothing", applies: every, why: "nothing failed"}
	for name, w := range map[string]*world{
		"default": newWorld(t, maxReceives, shortLag), "cursor far behind": newWorld(t, maxReceives, realLag),
		"few receives": newWorld(t, fewReceives, shortLag), "last attempt": newWorld(t, maxReceives, shortLag),
		"taking": takingWorld(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.staysOpen = name == "last attempt"
			tenant, r := w.newTenant(t)
			whole := (&walk{failure: nothing}).run(t, w, tenant, r)
			if whole.check(r, tenant); whole.together != 2 {
				t.Errorf("%d messages with the deliveries to both webhooks, want those of two events", whole.together)
			}
			whole.checkPace(tenant)
			crash := nothing
			crash.endsProcess = true // counts the responses to Lambda as calls
			done := (&walk{failure: crash}).run(t, w, tenant, r)
			done.check(r, tenant)
			const limit = maxWithStride - crashStride // whole strides at the widest
			if name == "taking" && done.took < 2 {
				t.Errorf("the dispatcher took %d messages, want more", done.took)
			}
			if done.calls < 10 || done.calls >= limit || len(done.failed) > 0 {
				t.Errorf("%d calls, %d of which failed; want at least 10, less than %d, and no failure", done.calls, len(done.failed), limit)
			}
		})
	}
}

// newTenant returns a tenant with two webhooks, and their receiver.
func (w *world) newTenant(t *testing.T) (tenant string, r *receiver) {
	t.Helper()
	tenant, r = "tenant-"+rand.Text(), newReceiver(t, w)
	const rate = 0.1                                   // an attempt in ten seconds
	for _, path := range []string{"/flaky", "/fine"} { // webhooks 1 and 2
		if _, err := w.webhooks.Create(t.Context(), webhooktest.Webhook(tenant, func(w *webhook.Webhook) {
			w.URL = r.url + path
			if path == "/flaky" {
				w.RateLimit = rate
			}
		}), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return tenant, r
}

// run publishes the events of a walk for tenant and runs the functions until
// nothing is left to do.
func (w *walk) run(t *testing.T, world *world, tenant string, r *receiver) *walk {
	t.Helper()
	w.world, w.t, w.name = world, t, "w"+rand.Text()
	r.forget()
	w.begin(tenant, r.url)
	for steps := 0; w.step(); steps++ {
		if steps > 100 {
			t.Fatalf("%s: the walk does not end: waiting %v, rows %v", w, w.waiting, w.rows())
		}
	}
	world.faults.Set(nil)
	return w
}

// walks runs walks in which call n fails, for n from 1. With a stride, the calls n +
// stride, n + 2*stride and so on fail too.
func walks(t *testing.T, f failure, world *world, stride int) {
	t.Helper()
	tenant, r := world.newTenant(t)
	total, most, failed := 0, 0, 0
	for n := 1; ; n++ {
		w := (&walk{failure: f, number: n, stride: stride}).run(t, world, tenant, r)
		repeats := w.check(r, tenant)
		total, most = total+repeats, max(most, repeats)
		if failed += len(w.failed); len(w.failed) == 0 || n == stride {
			if failed < 10 {
				t.Errorf("only %d calls failed: the walks missed some", failed)
			}
			t.Logf("%s: %d calls failed in %d walks: %d repeated requests, at most %d in a walk", f.name, failed, n, total, most)
			return
		}
	}
}

func (w *walk) String() string {
	return fmt.Sprintf("%s (%s, %d redriven)", strings.Join(w.failed, ", "), w.failure.name, w.redriven)
}
