package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/cloudtest"
	"webhooks/shared/event"
	"webhooks/shared/lambdatest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhookdb"
	"webhooks/shared/webhooktest"
)

const (
	tenant    = "bench"
	batchSize = 10 // of both queues' mappings
	eventSize = 4 << 10
	warmup    = 20 // invocations before the first that counts
)

// bundle is a test stack with webhooks of one tenant.
type bundle struct {
	*lambdatest.Stack
	webhooks []webhook.Key
}

// setup returns a stack with n webhooks that want environment.created, at url.
func setup(b *testing.B, n int, url string) bundle {
	b.Helper()
	s := lambdatest.NewStack(b, map[string]string{"LocalReceivers": "true"})
	store := webhookdb.New(dynamodb.NewFromConfig(cloudtest.Config(b)), s.Ref("WebhooksTable"))
	bundle := bundle{Stack: s}
	for range n {
		w, err := store.Create(b.Context(), webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.URL = url }))
		if err != nil {
			b.Fatal(err)
		}
		bundle.webhooks = append(bundle.webhooks, w.Key())
	}
	return bundle
}

// receiver answers every request with 200 and a short body, as receivers do.
func receiver(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // what the function sends is tested elsewhere
	_, _ = io.WriteString(w, `{"received":true}`)
}

func plainReceiver(b *testing.B) string {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(receiver))
	b.Cleanup(server.Close)
	return server.URL + "/webhook"
}

// newEvent returns event number n with data of about size bytes that look like
// what platforms send: names, numbers, ids, times.
func newEvent(n, size int) event.Event {
	data := []byte(`{"environment_id":42,"resources":[`)
	for i := 0; len(data) < size-200; i++ {
		if i > 0 {
			data = append(data, ',')
		}
		data = fmt.Appendf(data, `{"id":"res-%08x","name":"worker-%d","state":"running","cpu_millicores":%d,"zone":"cn-north-%dc","updated_at":"2026-01-26T10:%02d:%02d.%03dZ"}`,
			uint32(n*7919+i*104729), i, 250*(i%9+1), i%4, i%60, (n+i)%60, (n*31+i*17)%1000)
	}
	data = append(data, `],"note":"`...)
	data = append(data, strings.Repeat("环境就绪 ", 1+(size-len(data)-2)/26)...)
	data = append(data, `"}`...)
	return event.Event{
		ID: fmt.Sprintf("env-%d-created", n), TenantID: tenant, Type: event.EnvironmentCreated,
		Timestamp: "2026-01-26T10:00:00.000Z", Data: data,
	}
}

// mustSucceed fails the benchmark if a message of the batch is to come back.
func mustSucceed(b *testing.B, answer []byte) {
	b.Helper()
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(answer, &response); err != nil || len(response.BatchItemFailures) > 0 {
		b.Fatalf("the function answered %s (%v)", answer, err)
	}
}
