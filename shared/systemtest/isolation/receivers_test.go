package main

import (
	"cmp"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestReceiversAnswerAtOnceUntilTheTroubleBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begins trouble
		for _, tt := range []struct {
			troubled      bool
			slow, failing int
			takes         time.Duration
		}{{false, 200, 200, 0}, {true, 200, 500, slowAnswer}, {false, 200, 200, 0}} {
			begins.Store(tt.troubled)
			began := time.Now()
			if slow, failing := begins.slow(), begins.failing(); slow != tt.slow || failing != tt.failing || time.Since(began) != tt.takes {
				t.Errorf("trouble %t: slow %d after %v, failing %d", tt.troubled, slow, time.Since(began), failing)
			}
		}
	})
}

// TestAReceiverCountsEventsAndPaths checks that a repeated request counts once, and that each webhook of a
// wave counts although all get one event.
func TestAReceiverCountsEventsAndPaths(t *testing.T) {
	t.Parallel()
	r := newReceiver(healthy)
	defer r.server.Close()
	for _, request := range []struct{ id, path string }{{"a", "/1"}, {"a", "/1"}, {"a", "/2"}, {"b", "/1"}} {
		made, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.URL+request.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		made.Header.Set("Webhook-Id", request.id)
		answer, err := r.server.Client().Do(made)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	r.await(2, time.Minute)
	r.awaitPaths(2, time.Minute)
	if r.count() != 2 || r.paths() != 2 {
		t.Errorf("%d events on %d paths, want 2 on 2", r.count(), r.paths())
	}
}

// TestAnEventThatDoesNotArriveCountsWithItsWait checks that lost events cannot make a latency look small.
func TestAnEventThatDoesNotArriveCountsWithItsWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, begun := &receiver{got: make(map[string]time.Time)}, time.Now()
		published := map[string]time.Time{
			"before": begun.Add(-1), "arrived": begun, "lost": begun.Add(time.Second), "after": begun.Add(time.Minute),
		}
		r.got["arrived"] = begun.Add(usual)
		time.Sleep(time.Hour)
		list, lost := r.latencies(published, begun, begun.Add(time.Minute))
		slices.SortFunc(list, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
		want := []sample{{0, usual}, {time.Second, time.Hour - time.Second}}
		if !slices.Equal(list, want) || lost != 1 {
			t.Errorf("%v, %d lost, want %v and 1", list, lost, want)
		}
	})
}
