package crash_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/event"
	"webhooks/shared/fanout"
	"webhooks/shared/webhook"
	"webhooks/shared/webhooktest"
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
)

// TestCrashAtEveryCall makes one walk for every call that a kind of failure
// applies to, until a walk does not come to its n-th call any more.
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			walks(t, k, newWorld(t, receives, near))
		})
	}
}

// TestRedriveAfterEveryFailure is the same, but what failed once is set aside.
func TestRedriveAfterEveryFailure(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		if k.name != "crash after" && k.name != "throttled" && k.name != "answer lost" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			walks(t, k, newWorld(t, fewReceives, near))
		})
	}
}

// TestCrashAtEveryCallOfTheWholeLook has the cursor where it is in truth: the
// retrier looks at every minute since.
func TestCrashAtEveryCallOfTheWholeLook(t *testing.T) {
	t.Parallel()
	walks(t, kinds()[0], newWorld(t, receives, behind))
}

func walks(t *testing.T, k kind, world *world) {
	tenant := "tenant-" + rand.Text()
	r := newReceiver(t, &world.dead)
	for _, path := range []string{"/flaky", "/fine"} { // the webhooks 1 and 2
		if _, err := world.hooks.Create(t.Context(), webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.URL = r.url + path })); err != nil {
			t.Fatal(err)
		}
	}
	total, most := 0, 0
	for n := 1; ; n++ {
		w := &walk{world: world, t: t, kind: k, number: n, name: "w" + rand.Text()}
		r.forget()
		w.begin(tenant, r.url)
		for steps := 0; w.step(); steps++ {
			if steps > 100 {
				t.Fatalf("%s: the walk never ends: waiting %v, rows %v", w, w.waiting, w.rows())
			}
		}
		world.faults.Set(nil)
		again := w.check(r, tenant)
		total, most = total+again, max(most, again)
		if w.calls < n {
			if n < 10 {
				t.Errorf("a walk made %d calls, which cannot be all", n-1)
			}
			t.Logf("%d calls failed, each in a walk of its own: %d requests more than necessary, at most %d in a walk", n-1, total, most)
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
	small, large, gone := w.name+"-small", w.name+"-large", w.name+"-gone"
	if rows := w.rows(); len(rows) > 0 {
		t.Errorf("%s: %d rows are orphaned", w, len(rows))
	}
	w.checkLetters()
	for _, one := range []struct {
		path, event string
		key         webhook.Key
		requests    int
		last        attemptlog.Outcome
	}{
		{"flaky", small, webhook.Key{TenantID: tenant, ID: flaky}, failures + 1, attemptlog.Delivered},
		{"flaky", large, webhook.Key{TenantID: tenant, ID: flaky}, failures + 1, attemptlog.Delivered},
		{"fine", small, webhook.Key{TenantID: tenant, ID: fine}, 1, attemptlog.Delivered},
		{"fine", large, webhook.Key{TenantID: tenant, ID: fine}, 1, attemptlog.Delivered},
		{"gone", gone, w.gone, 1, attemptlog.Failed},
	} {
		requests, answered := r.count(one.path, one.event)
		if requests < one.requests || one.last == attemptlog.Delivered && answered == 0 {
			t.Errorf("%s: %s got %d requests of %s, %d answered 2xx: it is lost", w, one.path, requests, one.event, answered)
		}
		again += requests - one.requests
		w.checkLogs(one.key, one.event, one.requests, requests, one.last)
	}
	if again > w.kind.again {
		t.Errorf("%s: %d requests more than necessary, want at most %d (%s)", w, again, w.kind.again, w.kind.why)
	}
	return again
}

// checkLogs wants a log of every attempt that was finished. One whose process
// ended before it could write anything was made again.
func (w *walk) checkLogs(key webhook.Key, eventID string, necessary, requests int, last attemptlog.Outcome) {
	page, err := w.logs.List(w.t.Context(), key, 1, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	attempts := make(map[int]bool)
	logs, ended := 0, false
	for _, l := range page.Logs {
		if l.EventID == eventID {
			logs++
			attempts[l.Attempt] = true
			ended = ended || l.Outcome == last
		}
	}
	if len(attempts) < necessary || !ended {
		w.t.Errorf("%s: %s of %v has logs of the attempts %v, want %d that end with %s", w, eventID, key, attempts, necessary, last)
	}
	if !w.kind.dies && logs != requests {
		w.t.Errorf("%s: %s of %v was requested %d times and has %d logs", w, eventID, key, requests, logs)
	}
}

// checkLetters wants what can never be delivered in the dead letters, and
// nothing else.
func (w *walk) checkLetters() {
	found := make(map[string]int)
	for _, m := range w.letters {
		found[m.attributes["reason"]]++
	}
	poison, conflicts := found[string(event.UnknownType)], found[fanout.Conflict]
	if poison < 1 || conflicts < 1 || len(found) != 2 {
		w.t.Errorf("%s: dead letters by reason: %v", w, found)
	}
}
