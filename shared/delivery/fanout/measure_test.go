package fanout_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/metric"
	"webhooks/shared/testkit/metrictest"
)

func TestHandleMeasuresItsBatch(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.Metrics = log.Writer
	b.subscribe(t, tenant)
	b.subscribe(t, tenant)
	b.handle(t,
		message("m1", created(tenant, "e1", `1`)), message("m2", created(tenant, "e1", `1`)), message("m3", created(tenant, "e1", `2`)),
		message("m4", created("nobody", "e2", `1`)), message("m5", `not JSON`), message("m6", `[]`))
	want := metrictest.Numbers{
		metric.EventsAccepted: {2}, metric.DeliveriesMatched: {2}, metric.EventsDuplicate: {1},
		metric.EventsConflict: {1}, metric.EventsSetAside: {2},
	}
	got, lines := log.Take(t)
	if diff := cmp.Diff(want, got); diff != "" || lines != 1 {
		t.Errorf("%d lines, want 1; numbers (-want +got):\n%s", lines, diff)
	}
}

// A failed message is counted when it is received again.
func TestHandleCountsAnEventOnce(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.Metrics = log.Writer
	b.subscribe(t, tenant)
	m := message("m1", created(tenant, "e1", `1`))
	b.faults.set(func(c call) (any, error) {
		if c.purpose == send {
			return nil, errDown
		}
		return c.Make()
	})
	b.handle(t, m)
	if got, lines := log.Take(t); lines != 0 {
		t.Errorf("a failed event was measured: %v", got)
	}
	b.faults.set(nil)
	b.handle(t, received(m, 2))
	got, _ := log.Take(t)
	if diff := cmp.Diff(metrictest.Numbers{metric.EventsAccepted: {1}, metric.DeliveriesMatched: {1}}, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}
