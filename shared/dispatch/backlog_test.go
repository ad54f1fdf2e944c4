package dispatch_test

import (
	"net/http/httptest"
	"testing"

	"webhooks/shared/metric"
	"webhooks/shared/metrictest"
)

// TestRowsOfTheRetriesTableAreMeasured: what the queue can delay is none.
func TestRowsOfTheRetriesTableAreMeasured(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.dispatcher.Metrics = log.Writer
	var requests atomicCount
	receiver := httptest.NewServer(answer(500, &requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	near, far, farther := b.to(w, 1), b.to(w, 2), b.to(w, 3)
	near.Attempt, far.Attempt, farther.Attempt = 2, 3, 9 // followed in 5 minutes, in half an hour, in a day
	b.handle(t, t.Context(), message(near.Encode()), message(far.Encode()), message(farther.Encode()))
	got, _ := log.Take(t)
	if rows := got[metric.RetriesStored]; len(rows) != 1 || rows[0] != 2 {
		t.Errorf("numbers = %v, want 2 rows", got)
	}
	delivered := b.to(w, 4)
	delivered.Attempt = 10
	b.handle(t, t.Context(), message(delivered.Encode()))
	if got, _ := log.Take(t); got[metric.RetriesStored] != nil {
		t.Errorf("numbers = %v, want no row after the last attempt", got)
	}
}
