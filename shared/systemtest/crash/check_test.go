package crash_test

import (
	"fmt"
	"math"
	"slices"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// check checks what a walk left behind and returns how many requests it repeated.
func (w *walk) check(r *receiver, tenant string) (repeats int) {
	t := w.t
	if rows := w.read(); len(rows) > 0 {
		t.Errorf("%s: %d orphaned rows", w, len(rows))
	}
	w.checkLetters()
	key := func(id int64) webhook.Key { return webhook.Key{TenantID: tenant, ID: id} }
	for path, key := range map[string]webhook.Key{"flaky": key(flaky), "fine": key(fine), w.path: w.held} {
		page, err := w.logs.List(t.Context(), key, math.MaxInt64, 1, 100, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"-small", "-large"}
		if path == w.path {
			names = []string{"-held"}
		}
		for _, name := range names {
			requests, delivered := r.count(path, w.name+name)
			if requests == 0 || path != w.path && delivered == 0 {
				t.Errorf("%s: %s is lost: %s got %d requests and answered %d of them with 2xx", w, name, path, requests, delivered)
			}
			repeats += requests - w.checkLogs(page.Logs, path, w.name+name, requests)
			w.checkCopies(key, page.Logs, w.name+name)
		}
	}
	most := w.failure.maxRepeats * max(1, len(w.failed))
	if !w.mayRepeat {
		// A finished attempt is never repeated because of bookkeeping.
		most = 0
	}
	if repeats > most {
		t.Errorf("%s: %d repeated requests, want at most %d (%s)", w, repeats, most, w.failure.why)
	}
	return repeats
}

// checkLogs checks that every finished attempt has a log, and returns the number
// of attempts. An attempt whose process ended before it wrote anything was
// repeated, and has one log.
func (w *walk) checkLogs(all []attemptlog.Log, path, eventID string, requests int) (attempts int) {
	made := make(map[int]bool)
	var history []string
	logs, last := 0, attemptlog.Log{}
	for _, l := range all {
		if l.EventID != eventID || l.Failure == string(attempt.FailureHeld) {
			continue // a delivery that is held back makes no attempt
		}
		history = append(history, fmt.Sprintf("%d %s %s", l.Attempt, l.Outcome, l.Failure))
		// A copy that is handled after the 410 makes no request.
		if made[l.Attempt] = true; l.Outcome != attemptlog.Skipped {
			logs++
		}
		if l.Outcome == attemptlog.Delivered || l.Outcome == attemptlog.Failed {
			last = l
		}
		if path == "shut" && (l.Outcome != attemptlog.Failed || l.CreatedAt.Before(w.begun.Add(w.dispatcher.Schedule.Total()))) {
			w.t.Errorf("%s: %s began at %v; its attempt at %v (%s) is not the last one", w, eventID, w.begun, l.CreatedAt, l.Outcome)
		}
	}
	if last.EventID == "" || !made[1] || len(made) < last.Attempt {
		w.t.Errorf("%s: %s to %s has logs of the attempts %v and ends with %q", w, eventID, path, made, last.Outcome)
	}
	if !w.failure.endsProcess && logs != requests {
		w.t.Errorf("%s: %s to %s got %d requests and has %d logs: %v", w, eventID, path, requests, logs, history)
	}
	return len(made)
}

// checkLetters checks that the dead letters are the poison message and the
// conflict, and nothing else.
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

// checkPace checks that the attempts of the webhook with a rate limit began after the
// slots that others had, and one in each slot of ten seconds. A batch of the walk waits
// for up to five seconds for its last message.
func (w *walk) checkPace(tenant string) {
	page, err := w.logs.List(w.t.Context(), webhook.Key{TenantID: tenant, ID: flaky}, math.MaxInt64, 1, 100, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	var begun []time.Time
	for _, l := range page.Logs {
		if l.Outcome != attemptlog.Skipped {
			begun = append(begun, l.CreatedAt)
		}
	}
	slices.SortFunc(begun, time.Time.Compare)
	before := w.begun.Add(queue.MaxDelay - 10*time.Second)
	for _, at := range begun {
		if at.Sub(before) < 5*time.Second {
			w.t.Errorf("an attempt began %v after the one before, which began at %v: %v", at.Sub(before), before, begun)
		}
		before = at
	}
	if len(begun) != 6 {
		w.t.Errorf("%d attempts, want three of each event", len(begun))
	}
}
