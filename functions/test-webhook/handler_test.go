package main

import (
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/event"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// bundle is the function on tables of its own.
type bundle struct {
	function httpapi.Function
	webhooks *webhookdb.Store
	logs     *attemptlogdb.Store
	request  events.APIGatewayV2HTTPRequest
}

func setup(t *testing.T) bundle {
	t.Helper()
	webhooks, logs := cloudtest.Table(t, "WebhooksTable"), cloudtest.Table(t, "LogsTable")
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, map[string]string{
		"WEBHOOKS_TABLE": webhooks, "LOGS_TABLE": logs, "LOG_RETENTION_DAYS": "30",
		"ATTEMPT_TIMEOUT_SECONDS": "15", "RESPONSE_BODY_BYTES": "512", "LOCAL_RECEIVERS": "true",
	}))
	if err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cloudtest.Config(t))
	return bundle{
		function: function, webhooks: webhookdb.New(db, webhooks), logs: attemptlogdb.New(db, logs, 30*24*time.Hour),
		request: cloudtest.Request(t, "test-webhook.json"),
	}
}

// create registers webhook 1 of the sample event's tenant.
func (b bundle) create(t *testing.T, url string, changes ...func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w, err := b.webhooks.Create(t.Context(), webhooktest.Webhook("demo", append(changes, func(w *webhook.Webhook) { w.URL = url })...), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// only returns the one log of w.
func (b bundle) only(t *testing.T, w webhook.Webhook) attemptlog.Log {
	t.Helper()
	page, err := b.logs.List(t.Context(), w.Key(), math.MaxInt64, 1, 100, time.Now())
	if err != nil || len(page.Logs) != 1 {
		t.Fatalf("logs = %+v, %v, want one", page.Logs, err)
	}
	return page.Logs[0]
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	for name, enabled := range map[string]bool{"enabled": true, "disabled": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var body string
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				body = string(text)
				w.WriteHeader(http.StatusAccepted)
			}))
			defer receiver.Close()
			w := b.create(t, receiver.URL, func(w *webhook.Webhook) { w.Enabled = enabled })

			response := cloudtest.Invoke(t, b.function, b.request)
			e := response.Envelope(t)
			took, isNumber := e.Data["response_time"].(float64)
			if response.Status != http.StatusOK || e.Code != 0 || e.Message != "测试请求已发送" || !isNumber || took != float64(int64(took)) {
				t.Errorf("response %d %s", response.Status, response.Body)
			}
			delete(e.Data, "response_time")
			if diff := cmp.Diff(map[string]any{"status_code": 202.0}, e.Data); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(body, `{"type":"webhook.test","timestamp":"`) || !strings.HasSuffix(body, `,"data":{"webhook_id":1}}`) {
				t.Errorf("the receiver got %s", body)
			}
			if l := b.only(t, w); l.EventType != event.Test || l.Outcome != attemptlog.Delivered || l.StatusCode != 202 || l.Attempt != 1 {
				t.Errorf("log = %+v", l)
			}
		})
	}
}

func TestAReceiverThatCannotBeReached(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	tests := []struct{ name, url, language, want string }{
		{name: "Chinese by default", url: closed.URL, want: "无法连接到接收方"},
		{name: "Chinese", url: closed.URL, language: "zh-CN", want: "无法连接到接收方"},
		{name: "English", url: closed.URL, language: "en", want: "No connection to the receiver could be made"},
		// A refused address reads like a closed port: a difference would reveal our network.
		{name: "refused", url: "https://10.0.0.1/", language: "en", want: "No connection to the receiver could be made"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.create(t, tt.url)
			if tt.language != "" {
				b.request.Headers["accept-language"] = tt.language
			}
			response := cloudtest.Invoke(t, b.function, b.request)
			e := response.Envelope(t)
			delete(e.Data, "response_time")
			want := map[string]any{"status_code": 0.0, "error": tt.want}
			if diff := cmp.Diff(want, e.Data); diff != "" || response.Status != http.StatusOK || e.Message != "测试请求已发送" {
				t.Errorf("response %d %s, data (-want +got):\n%s", response.Status, response.Body, diff)
			}
			if l := b.only(t, w); l.Outcome != attemptlog.Failed || l.Failure == "" {
				t.Errorf("log = %+v", l)
			}
		})
	}
}

// test begins a test of a webhook at now, as another instance does.
func (b bundle) test(t *testing.T, id int64, now time.Time) webhookdb.TestLease {
	t.Helper()
	lease, err := b.webhooks.BeginTest(t.Context(), webhook.Key{TenantID: "demo", ID: id}, now)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func TestAWebhookIsNotTestedTooOften(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requests := make(chan struct{}, 2)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests <- struct{}{} }))
	defer receiver.Close()
	b.create(t, receiver.URL)
	// The last test is in the future, so the next one is too early on any machine.
	at := time.Now().Add(4 * time.Second)
	if err := b.webhooks.EndTest(t.Context(), b.test(t, 1, at), at); err != nil {
		t.Fatal(err)
	}
	b.refused(t, apperr.TestedTooOften)
	if len(requests) != 0 {
		t.Errorf("the receiver got %d requests", len(requests))
	}
}

// refused fails the test unless the sample event gets a 429 that says to wait 5 s.
func (b bundle) refused(t *testing.T, reason apperr.Reason) {
	t.Helper()
	response := cloudtest.Invoke(t, b.function, b.request)
	if got := response.Envelope(t).Code; got != int(reason) || response.Status != http.StatusTooManyRequests {
		t.Errorf("response %d %s, want %d", response.Status, response.Body, reason)
	}
	for name, value := range response.Headers {
		if strings.EqualFold(name, "Retry-After") && value != "5" {
			t.Errorf("%s %q, want 5", name, value)
		}
	}
}

func TestASecondTestOfATenantIsRefusedUntilTheFirstEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-answer:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	quick := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer quick.Close()
	b.create(t, slow.URL)
	b.create(t, quick.URL)
	first := make(chan cloudtest.Response)
	go func() { first <- cloudtest.Invoke(t, b.function, b.request) }()
	<-arrived
	second := b
	second.request = cloudtest.Request(t, "test-webhook.json")
	second.request.RawPath, second.request.PathParameters = "/api/v1/webhooks/2/test", map[string]string{"webhook_id": "2"}
	second.refused(t, apperr.TestUnderWay)
	close(answer)
	if response := <-first; response.Status != http.StatusOK {
		t.Errorf("the first test: %d %s", response.Status, response.Body)
	}
	if response := cloudtest.Invoke(t, second.function, second.request); response.Status != http.StatusOK {
		t.Errorf("a test after the first: %d %s", response.Status, response.Body)
	}
}

// The test of a webhook that does not exist ends its lease too.
func TestAFailedTestEndsItsLease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if response := cloudtest.Invoke(t, b.function, b.request); response.Status != http.StatusNotFound {
		t.Fatalf("response %d %s", response.Status, response.Body)
	}
	b.test(t, 2, time.Now())
}
