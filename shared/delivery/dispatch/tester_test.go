package dispatch_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/boot"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
	"webhooks/shared/webhook"
)

// tested returns the event of the test route.
func tested() event.Event {
	return event.NewTest(tenant, "evt_test", start, []byte(`{"webhook_id":1}`))
}

func TestATestIsOneAttempt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		status  int
		enabled bool
		outcome attemptlog.Outcome
	}{
		{name: "answered", status: 200, enabled: true, outcome: attemptlog.Delivered},
		{name: "a disabled webhook", status: 204, enabled: false, outcome: attemptlog.Delivered},
		{name: "failed", status: 500, enabled: true, outcome: attemptlog.Failed},
		{name: "410 does not disable the webhook", status: 410, enabled: true, outcome: attemptlog.Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			receiver := httptest.NewServer(answer(tt.status, new(atomicCount)))
			defer receiver.Close()
			w := b.create(t, receiver.URL, func(w *webhook.Webhook) { w.Enabled = tt.enabled })
			result, err := b.tester().Test(t.Context(), w, tested())
			if err != nil || result.StatusCode != tt.status {
				t.Fatalf("Test = %+v, %v", result, err)
			}
			want := []attemptlog.Log{{
				TenantID: tenant, WebhookID: w.ID, ID: 1, EventID: "evt_test", EventType: event.Test, Trigger: attemptlog.Test, Attempt: 1,
				Outcome: tt.outcome, StatusCode: tt.status, CreatedAt: start,
			}}
			if diff := cmp.Diff(want, b.written(t, w), cmpopts.IgnoreFields(attemptlog.Log{}, "ResponseTime", "Timing")); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if now, err := b.webhooks.Get(t.Context(), w.Key()); err != nil || now.Enabled != tt.enabled {
				t.Errorf("enabled: %t, %v", now.Enabled, err)
			}
			if messages, _ := b.queue.take(t); len(messages) != 0 {
				t.Errorf("queued %v, want no retry of a test", messages)
			}
		})
	}
}

func TestATestSucceedsWithoutItsLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := httptest.NewServer(answer(200, new(atomicCount)))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	b.faults.Fail("BatchWriteItem", errBroken)
	if result, err := b.tester().Test(t.Context(), w, tested()); err != nil || result.StatusCode != 200 {
		t.Errorf("Test = %+v, %v", result, err)
	}
	if !b.log.contains("the log of a test could not be written") {
		t.Error("the function's log does not say so")
	}
}

// A test that cannot be signed is our own error and has no log.
func TestATestThatCannotBeSignedFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "https://receiver.example")
	w.Secret = "whsec_!"
	if result, err := b.tester().Test(t.Context(), w, tested()); err == nil {
		t.Errorf("Test = %+v", result)
	}
	if logs := b.written(t, w); len(logs) != 0 {
		t.Errorf("logs = %+v", logs)
	}
}

// A caller of the test route waits for the response, and occupies an execution.
func TestATestTakesNoLongerThanItsOwnLimit(t *testing.T) {
	t.Parallel()
	for configured, want := range map[string]time.Duration{"15": webhook.TestTimeout, "6": webhook.TestTimeout, "5": 5 * time.Second, "2": 2 * time.Second} {
		getenv := cloudtest.Getenv(t, lambdatest.NewNames(t).Variables("DispatcherFunction", map[string]string{"ATTEMPT_TIMEOUT_SECONDS": configured}))
		log := slog.New(slog.DiscardHandler)
		tester, err := dispatch.LoadTester(log, nil, nil, boot.NewSettings(getenv), getenv)
		if err != nil {
			t.Fatal(err)
		}
		if got := tester.Sender.Timeout(); got != want {
			t.Errorf("ATTEMPT_TIMEOUT_SECONDS=%s: a test takes up to %v, want %v", configured, got, want)
		}
		dispatcher, err := dispatch.Load(log, aws.Config{}, boot.NewSettings(getenv), getenv)
		if err != nil {
			t.Fatal(err)
		}
		if got := dispatcher.Sender.Timeout(); fmt.Sprint(got.Seconds()) != configured {
			t.Errorf("ATTEMPT_TIMEOUT_SECONDS=%s: an attempt takes up to %v", configured, got)
		}
	}
}
