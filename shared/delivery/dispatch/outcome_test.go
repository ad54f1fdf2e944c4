package dispatch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

func TestTheRequestOfADelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var got []byte
	var header http.Header
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		header = r.Header
		_, _ = w.Write([]byte("thanks"))
	}))
	defer receiver.Close()
	w := b.create(t, receiver.URL+"/hook")
	b.settle(t, b.to(w, 1))

	verifier, err := standardwebhooks.NewWebhookRaw([]byte(webhooktest.Secret))
	if err != nil {
		t.Fatal(err)
	}
	// The library uses its own clock, not the test's.
	if err := verifier.VerifyIgnoringTimestamp(got, header); err != nil {
		t.Errorf("the Standard Webhooks library refuses the request: %v", err)
	}
	if diff := cmp.Diff(string(body), string(got)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"webhook-id": "evt_1", "webhook-timestamp": strconv.FormatInt(start.Unix(), 10),
		"content-type": "application/json", "user-agent": dispatch.UserAgent,
	}
	for name, value := range want {
		if header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, header.Get(name), value)
		}
	}
	wantLog := []attemptlog.Log{{
		TenantID: tenant, WebhookID: w.ID, ID: 1, EventID: "evt_1", EventType: "environment.created", Trigger: attemptlog.FirstAttempt, Attempt: 1,
		Outcome: attemptlog.Delivered, StatusCode: 200, ResponseBody: "thanks", CreatedAt: start,
	}}
	if diff := cmp.Diff(wantLog, b.written(t, w), cmpopts.IgnoreFields(attemptlog.Log{}, "ResponseTime", "Timing")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if messages, _ := b.queue.take(t); len(messages) != 0 {
		t.Errorf("queued after a success: %v", messages)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	disabled := func(w *webhook.Webhook) { w.Enabled = false }
	tests := []struct {
		name     string
		status   int
		attempt  int // 0 means the first
		webhook  func(*webhook.Webhook)
		requests int
		outcome  attemptlog.Outcome
		queued   bool
		enabled  bool // afterwards
	}{
		{name: "any 2xx", status: 299, requests: 1, outcome: attemptlog.Delivered, enabled: true},
		{name: "500", status: 500, requests: 1, outcome: attemptlog.Retrying, queued: true, enabled: true},
		{name: "a redirect is not followed", status: 307, requests: 1, outcome: attemptlog.Retrying, queued: true, enabled: true},
		{name: "404", status: 404, requests: 1, outcome: attemptlog.Retrying, queued: true, enabled: true},
		{name: "410", status: 410, requests: 1, outcome: attemptlog.Failed, enabled: false},
		{name: "the last attempt", status: 500, attempt: 10, requests: 1, outcome: attemptlog.Failed, enabled: true},
		{name: "the last attempt delivers", status: 200, attempt: 10, requests: 1, outcome: attemptlog.Delivered, enabled: true},
		{name: "disabled", status: 200, webhook: disabled, requests: 0, outcome: attemptlog.Skipped, enabled: false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var requests atomicCount
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				answer(tt.status, &requests)(w, r)
			}))
			defer receiver.Close()
			change := tt.webhook
			if change == nil {
				change = func(*webhook.Webhook) {}
			}
			w := b.create(t, receiver.URL, change)
			d := b.to(w, 1)
			d.Attempt = max(tt.attempt, 1)
			b.settle(t, d)

			logs := b.written(t, w)
			if len(logs) != 1 || logs[0].Outcome != tt.outcome || logs[0].Attempt != d.Attempt || requests.get() != tt.requests {
				t.Fatalf("%d requests, logs %+v, want %d and %s", requests.get(), logs, tt.requests, tt.outcome)
			}
			if messages, _ := b.queue.take(t); (len(messages) == 1) != tt.queued || len(messages) > 1 {
				t.Errorf("queued %v, want a next attempt: %t", messages, tt.queued)
			}
			if next := logs[0].NextAttemptAt; next.IsZero() == tt.queued {
				t.Errorf("the log's next attempt is %v", next)
			}
			if now, err := b.webhooks.Get(t.Context(), w.Key()); err != nil || now.Enabled != tt.enabled {
				t.Errorf("enabled: %t (%v), want %t", now.Enabled, err, tt.enabled)
			}
		})
	}
}

// A log says why its attempt was made.
func TestTheTriggerOfAnAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := httptest.NewServer(answer(500, new(atomicCount)))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	first, retry, resent := b.to(w, 1), b.to(w, 2), b.to(w, 3)
	retry.Attempt, resent.Attempt, resent.Single = 2, 2, true
	b.settle(t, first, retry, resent)
	got := make(map[string]attemptlog.Trigger)
	for _, l := range b.written(t, w) {
		got[l.EventID] = l.Trigger
	}
	want := map[string]attemptlog.Trigger{"evt_1": attemptlog.FirstAttempt, "evt_2": attemptlog.Retry, "evt_3": attemptlog.Resend}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("triggers by event (-want +got):\n%s", diff)
	}
}

func TestTheDelayOfTheNextAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := httptest.NewServer(answer(500, new(atomicCount)))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	d := b.to(w, 1)
	d.Due = b.now.Add(-time.Second) // the message waited a second in the queue
	b.settle(t, d)

	due, _ := schedule(t).Next(d)
	want := d
	want.Attempt, want.Due, want.First = 2, due, d.Due
	messages, decoded := b.queue.take(t)
	if len(messages) != 1 || messages[0].Group != tenant {
		t.Fatalf("queued %v", messages)
	}
	if diff := cmp.Diff(&want, &decoded[0].Deliveries[0]); diff != "" {
		t.Errorf("next attempt (-want +got):\n%s", diff)
	}
	// The due time counts from the previous due time, the delay from the clock.
	if got := messages[0].Delay; got != due.Sub(b.now) || got < 3*time.Second || got > 5*time.Second {
		t.Errorf("delay %v, want the time until %v", got, due)
	}
	if logs := b.written(t, w); len(logs) != 1 || !logs[0].NextAttemptAt.Equal(due) {
		t.Errorf("logs = %+v, want the next attempt at %v", logs, due)
	}
}

func TestARefusedAddressFailsAtOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"metadata": "http://169.254.169.254/latest", "a private address": "https://[fd00::1]/",
		"a scheme that is not allowed": "ftp://receiver.example/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.create(t, url)
			b.settle(t, b.to(w, 1))
			logs := b.written(t, w)
			if len(logs) != 1 || logs[0].Outcome != attemptlog.Failed || logs[0].Failure == "" || logs[0].StatusCode != 0 {
				t.Errorf("logs = %+v, want one that failed", logs)
			}
			if messages, _ := b.queue.take(t); len(messages) != 0 {
				t.Errorf("queued %v", messages)
			}
		})
	}
}

func TestADeletedWebhookGetsNoRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var requests atomicCount
	receiver := httptest.NewServer(answer(200, &requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	if err := b.webhooks.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	b.settle(t, b.to(w, 1))
	if logs := b.written(t, w); len(logs) != 0 || requests.get() != 0 {
		t.Errorf("%d requests, logs %+v, want neither", requests.get(), logs)
	}
}

// A 410 disables only the revision of the webhook that was called: its owner may
// have changed the webhook since.
func TestGoneDisablesOnlyTheCalledRevision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var key webhook.Key
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := b.webhooks.Update(r.Context(), key, time.Now(), func(w webhook.Webhook) (webhook.Webhook, error) {
			w.Name = "changed meanwhile"
			return w, nil
		})
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusGone)
	}))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	key = w.Key()
	b.settle(t, b.to(w, 1))

	if now, err := b.webhooks.Get(t.Context(), key); err != nil || !now.Enabled {
		t.Errorf("the changed webhook is enabled: %t, %v", now.Enabled, err)
	}
	if logs := b.written(t, w); len(logs) != 1 || logs[0].Outcome != attemptlog.Failed || logs[0].StatusCode != 410 {
		t.Errorf("logs = %+v", logs)
	}
}
