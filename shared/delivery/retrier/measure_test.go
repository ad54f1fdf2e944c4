package retrier_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/metric"
	"webhooks/shared/delivery"
	"webhooks/shared/testkit/metrictest"
)

// A metric costs money in every hour in which it is written, so an idle run writes
// none.
func TestAnIdleRunWritesNoMetric(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.retrier.Metrics = log.Writer
	b.run(t)
	if got, lines := log.Take(t); lines != 0 {
		t.Errorf("an idle run wrote %v", got)
	}
}

func TestARunWritesHowManyRowsItMovedAndHowFarItIsBehind(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.retrier.Metrics = log.Writer
	b.put(t, append(several(3, b.now.Add(time.Minute)), waiting("evt_stuck", b.now.Add(-13*time.Minute)))...)
	b.sent.refuse = func(d delivery.Delivery) error {
		if d.Event.ID == "evt_stuck" {
			return errors.New("injected")
		}
		return nil
	}
	if err := b.retrier.Run(t.Context()); err == nil {
		t.Error("Run = nil, want the refused row's error")
	}
	got, _ := log.Take(t)
	if diff := cmp.Diff(metrictest.Numbers{metric.RetriesMoved: {3}, metric.RetriesBehind: {13}}, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func TestTheLogNamesTheMovedEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var log bytes.Buffer
	b.retrier.Log = slog.New(slog.NewJSONHandler(&log, nil))
	b.put(t, waiting("evt_1", b.now.Add(time.Minute)))
	b.run(t)
	if want := `"msg":"retries queued","event_ids":["evt_1"]}`; !strings.Contains(log.String(), want) {
		t.Errorf("the log is %s, want a line with %s", log.String(), want)
	}
}
