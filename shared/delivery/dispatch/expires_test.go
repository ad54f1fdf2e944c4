package dispatch_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/testkit/metrictest"
)

// Otherwise its dead letter would raise the operator's alarm because of one tenant's limit.
func TestADeliveryWithoutASlotWhileItsEventIsKeptFails(t *testing.T) {
	t.Parallel()
	const last = retention - time.Hour
	for name, tt := range map[string]struct {
		read, next time.Duration // when the next slot is, as it was read and as it is
		had        time.Duration // the slot that the delivery has, or 0
		calls      []int         // reservations
		failed     bool
	}{
		"the last slot that is left":    {last, last, 0, []int{1}, false},
		"no slot is left":               {last + ms, last + ms, 0, nil, true},
		"others took it meanwhile":      {last, last + ms, 0, []int{1}, true},
		"its slot is too late":          {0, 0, last + ms, nil, true},
		"its slot is not too late":      {0, 0, last, nil, false},
		"it comes back to another time": {0, 0, 24 * time.Hour, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, logs, metrics := newPaced(t, 0.1), []attemptlog.Log(nil), metrictest.New()
				p.Metrics = metrics.Writer
				p.Logs = logsFunc(func(_ context.Context, list []attemptlog.Log) ([]attemptlog.Log, error) {
					logs = append(logs, list...)
					return nil, nil
				})
				d := oneNow()
				p.webhook.NextSlot, p.slots.next = d.Due.Add(tt.read), d.Due.Add(tt.next)
				if tt.had != 0 {
					d = d.InSlot(d.Due.Add(tt.had), 0.1)
				}
				if got := p.settle(t, d); len(got) != 0 || !slices.Equal(p.slots.calls, tt.calls) {
					t.Errorf("requests after %v, reservations %v, want %v", got, p.slots.calls, tt.calls)
				}
				if !tt.failed {
					if len(logs) != 0 || len(p.stored) != 1 {
						t.Errorf("logs %+v, %d stored, want the delivery stored", logs, len(p.stored))
					}
					return
				}
				want := []attemptlog.Log{{
					TenantID: tenant, WebhookID: 1, EventID: d.Event.ID, EventType: d.Type, Trigger: attemptlog.FirstAttempt,
					Attempt: 1, Outcome: attemptlog.Failed, Failure: string(attempt.FailurePaceFull), CreatedAt: p.begun.UTC(),
				}}
				if diff := cmp.Diff(want, logs); diff != "" || len(p.stored)+len(p.normal) != 0 {
					t.Errorf("%d stored, %d sent; logs (-want +got):\n%s", len(p.stored), len(p.normal), diff)
				}
				if numbers, _ := metrics.Take(t); len(numbers[metric.DeliveriesSetAside]) != 0 || !slices.Equal(numbers[metric.Skipped], []int64{1}) {
					t.Errorf("numbers = %v, want a skipped delivery and no dead letter", numbers)
				}
			})
		})
	}
}

// A delivery that was redriven may be older than its event is kept, and its body is there.
func TestALateDeliveryThatNeedsNoWaitIsAttempted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, d := newPaced(t, 2), oneNow()
		d.Due = d.Due.Add(-2 * retention)
		if got := p.settle(t, []delivery.Delivery{d, d}...); !slices.Equal(got, []time.Duration{0, 500 * ms}) {
			t.Errorf("requests after %v, want both", got)
		}
	})
}
