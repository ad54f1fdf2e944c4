package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// bundle is the function as it is built, and webhook 1 of tenant demo.
type bundle struct {
	function httpapi.Function
	webhooks *webhookdb.Store
	logs     *attemptlogdb.Store
	request  events.APIGatewayV2HTTPRequest
	now      time.Time
}

func setup(t *testing.T) bundle {
	t.Helper()
	client := dynamodb.NewFromConfig(cloudtest.Config(t))
	webhooks, logs := cloudtest.Table(t, "WebhooksTable"), cloudtest.Table(t, "LogsTable")
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, map[string]string{
		"WEBHOOKS_TABLE": webhooks, "LOGS_TABLE": logs, "LOG_RETENTION_DAYS": "30",
	}))
	if err != nil {
		t.Fatal(err)
	}
	b := bundle{
		function: function,
		webhooks: webhookdb.New(client, webhooks),
		logs:     attemptlogdb.New(client, logs, 30*24*time.Hour),
		request:  cloudtest.Request(t, "list-webhook-logs.json"),
		now:      time.Now().UTC().Truncate(time.Second),
	}
	b.create(t, "demo")
	return b
}

func (b bundle) create(t *testing.T, tenantID string) {
	t.Helper()
	if _, err := b.webhooks.Create(t.Context(), webhooktest.Webhook(tenantID), time.Now()); err != nil {
		t.Fatal(err)
	}
}

// append writes n logs of webhook 1 of a tenant, after changes.
func (b bundle) append(t *testing.T, tenantID string, n int, changes ...func(*attemptlog.Log)) {
	t.Helper()
	logs := make([]attemptlog.Log, 0, n)
	for range n {
		log := attemptlog.Log{
			TenantID: tenantID, WebhookID: 1, EventID: "evt_1", EventType: event.EnvironmentCreated, Trigger: attemptlog.FirstAttempt, Attempt: 1,
			Outcome: attemptlog.Delivered, StatusCode: 200, ResponseTime: 125 * time.Millisecond, ResponseBody: "OK", CreatedAt: b.now,
		}
		for _, change := range changes {
			change(&log)
		}
		logs = append(logs, log)
	}
	if failed, err := b.logs.Append(t.Context(), attemptlog.Chunks(logs)); err != nil || len(failed) > 0 {
		t.Fatalf("append: %d failed, %v", len(failed), err)
	}
}

// ask invokes the function with the sample event and another query string.
func (b bundle) ask(t *testing.T, query string) cloudtest.Response {
	t.Helper()
	b.request.RawQueryString, b.request.QueryStringParameters = query, nil
	return cloudtest.Invoke(t, b.function, b.request)
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.append(t, "demo", 1)
	response := cloudtest.Invoke(t, b.function, b.request)
	want := fmt.Sprintf(`{"code":0,"message":"success","data":{"items":[{"log_id":1,"event_type":"environment.created","status_code":200,`+
		`"response_body":"OK","created_at":"%s","event_id":"evt_1","attempt":1,"outcome":"delivered","response_time":125,"truncated":false}],`+
		`"pagination":{"page":1,"page_size":20,"total":1,"total_pages":1}}}`, b.now.Format(time.RFC3339))
	if diff := cmp.Diff(want, response.Body); response.Status != http.StatusOK || diff != "" {
		t.Errorf("response %d (-want +got):\n%s", response.Status, diff)
	}
}

func TestAWebhookWithoutLogsHasAnEmptyList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := `{"code":0,"message":"success","data":{"items":[],"pagination":{"page":1,"page_size":20,"total":0,"total_pages":0}}}`
	if diff := cmp.Diff(want, b.ask(t, "").Body); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestAFailedAttemptHasItsError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	next := b.now.Add(5 * time.Minute)
	b.append(t, "demo", 1, func(l *attemptlog.Log) {
		l.Outcome, l.StatusCode, l.ResponseBody, l.Failure = attemptlog.Retrying, 0, "", string(attempt.FailureTimeout)
		l.NextAttemptAt, l.CreatedAt = next, b.now.Add(time.Millisecond)
	})
	for header, want := range map[string]string{
		"": attempt.FailureTimeout.Text().Chinese, "en-GB,en;q=0.9": attempt.FailureTimeout.Text().English,
	} {
		b.request.Headers["accept-language"] = header
		items, _ := b.ask(t, "").Envelope(t).Data["items"].([]any)
		item, _ := items[0].(map[string]any)
		got := map[string]any{"error": item["error"], "next_attempt_at": item["next_attempt_at"], "created_at": item["created_at"], "outcome": item["outcome"]}
		if diff := cmp.Diff(map[string]any{
			"error": want, "next_attempt_at": next.Format(time.RFC3339), "created_at": b.now.Format(time.RFC3339), "outcome": "retrying",
		}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", header, diff)
		}
	}
}

// The time that is shown is not earlier than the attempt.
func TestTheNextAttemptIsNotShownTooEarly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	next := b.now.Add(5 * time.Minute)
	for part, want := range map[time.Duration]time.Time{
		0: next, time.Millisecond: next.Add(time.Second), 999 * time.Millisecond: next.Add(time.Second),
	} {
		b.append(t, "demo", 1, func(l *attemptlog.Log) { l.Outcome, l.NextAttemptAt = attemptlog.Retrying, next.Add(part) })
		items, _ := b.ask(t, "page_size=1").Envelope(t).Data["items"].([]any)
		item, _ := items[0].(map[string]any)
		if got := item["next_attempt_at"]; got != want.Format(time.RFC3339) {
			t.Errorf("%v after %v: next_attempt_at = %v, want %v", part, next, got, want)
		}
	}
}

// A delivery can be complete although its response was malformed. Its owner reads what
// was wrong.
func TestADeliveredAttemptMayHaveAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.append(t, "demo", 1, func(l *attemptlog.Log) { l.Failure = "header_line:3" })
	items, _ := b.ask(t, "").Envelope(t).Data["items"].([]any)
	item, _ := items[0].(map[string]any)
	if item["outcome"] != "delivered" || item["error"] != "响应的第 3 行不是有效的响应头（第 1 行为状态行）" {
		t.Errorf("log = %v", item)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.append(t, "demo", 50)
	b.append(t, "globex", 7)
	tests := []struct {
		query      string
		first, n   int64
		page, size int64
		pages      int64
	}{
		{query: "", first: 50, n: 20, page: 1, size: 20, pages: 3},
		{query: "page=3", first: 10, n: 10, page: 3, size: 20, pages: 3},
		{query: "page=2&page_size=1", first: 49, n: 1, page: 2, size: 1, pages: 50},
		{query: "page_size=100", first: 50, n: 50, page: 1, size: 100, pages: 1},
		{query: "page=4", page: 4, size: 20, pages: 3},
		{query: "page=9223372036854775807&page_size=100", page: 9223372036854775807, size: 100, pages: 1},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			var got struct {
				Data struct {
					Items []struct {
						LogID int64 `json:"log_id"`
					} `json:"items"`
					Pagination map[string]int64 `json:"pagination"`
				} `json:"data"`
			}
			if err := json.Unmarshal([]byte(b.ask(t, tt.query).Body), &got); err != nil {
				t.Fatal(err)
			}
			if int64(len(got.Data.Items)) != tt.n {
				t.Fatalf("%d logs, want %d", len(got.Data.Items), tt.n)
			}
			for i, item := range got.Data.Items {
				if item.LogID != tt.first-int64(i) {
					t.Errorf("item %d is log %d, want %d", i, item.LogID, tt.first-int64(i))
				}
			}
			want := map[string]int64{"page": tt.page, "page_size": tt.size, "total": 50, "total_pages": tt.pages}
			if diff := cmp.Diff(want, got.Data.Pagination); diff != "" {
				t.Errorf("pagination (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidPagesAreRefusedByName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tests := []struct {
		query string
		want  []string
	}{
		{query: "page=0", want: []string{"page"}},
		{query: "page=-1", want: []string{"page"}},
		{query: "page=", want: []string{"page"}},
		{query: "page=1.0", want: []string{"page"}},
		{query: "page=%2B1", want: []string{"page"}},
		{query: "page=01", want: []string{"page"}},
		{query: "page=1e2", want: []string{"page"}},
		{query: "page=%201", want: []string{"page"}},
		{query: "page=١", want: []string{"page"}},
		{query: "page=9223372036854775808", want: []string{"page"}},
		{query: "page=1&page=1", want: []string{"page"}},
		{query: "page_size=0", want: []string{"page_size"}},
		{query: "page_size=101", want: []string{"page_size"}},
		{query: "page=x&page_size=0&before=0", want: []string{"page", "page_size", "before"}},
		{query: "before=1&before=2", want: []string{"before"}},
		{query: "befor=3", want: []string{"befor"}},
		{query: "pageSize=5", want: []string{"pageSize"}},
		{query: "page_size=100&other=x", want: []string{"other"}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			response := b.ask(t, tt.query)
			if code := response.Envelope(t).Code; response.Status != http.StatusBadRequest || code != int(apperr.InvalidFields) {
				t.Errorf("response %d, code %d", response.Status, code)
			}
			if diff := cmp.Diff(tt.want, response.Refused(t)); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*testing.T, *bundle)
		want   apperr.Reason
	}{
		{name: "an invalid query string", change: func(_ *testing.T, b *bundle) { b.request.RawQueryString = "page=%zz" }, want: apperr.UnreadableQuery},
		{name: "an invalid webhook id", change: func(_ *testing.T, b *bundle) {
			b.request.RawPath, b.request.PathParameters = "/api/v1/webhooks/one/logs", nil
		}, want: apperr.InvalidWebhookID},
		{name: "a deleted webhook", change: func(t *testing.T, b *bundle) {
			b.append(t, "demo", 1)
			if err := b.webhooks.Delete(t.Context(), webhook.Key{TenantID: "demo", ID: 1}); err != nil {
				t.Fatal(err)
			}
		}, want: apperr.WebhookNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tt.change(t, &b)
			response := cloudtest.Invoke(t, b.function, b.request)
			if code := response.Envelope(t).Code; code != int(tt.want) || response.Status != int(tt.want)/100 {
				t.Errorf("response %d, code %d, want code %d", response.Status, code, tt.want)
			}
		})
	}
}

func FuzzPageOf(f *testing.F) {
	f.Add("1")
	f.Add("01")
	f.Add("9223372036854775807")
	f.Fuzz(func(t *testing.T, text string) {
		n, size, _, err := pageOf(map[string][]string{"page": {text}})
		if err == nil && (n < 1 || fmt.Sprint(n) != text || size != defaultSize) {
			t.Errorf("page %q is read as %d", text, n)
		}
	})
}
