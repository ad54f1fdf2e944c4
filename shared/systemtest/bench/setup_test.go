package bench_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

const (
	tenant    = "bench"
	batchSize = 10      // as both event source mappings have
	small     = 1 << 10 // bytes of an event, as in make cost
	large     = 4 << 10 // bytes of an event
	round     = 100     // invocations, enough to include garbage collection
	warmup    = 200     // uncounted invocations, until the heap has grown
)

// bundle is a test stack with webhooks of one tenant.
type bundle struct {
	*lambdatest.Stack
	webhooks []webhook.Key
}

// setup returns a stack with n webhooks for environment.created at url.
func setup(b *testing.B, n int, url string) bundle {
	b.Helper()
	s := lambdatest.NewStack(b, map[string]string{"LocalReceivers": "true"})
	store := webhookdb.New(dynamodb.NewFromConfig(cloudtest.Config(b)), s.Ref("WebhooksTable"))
	bundle := bundle{Stack: s}
	for range n {
		w, err := store.Create(b.Context(), webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.URL = url }), time.Now())
		if err != nil {
			b.Fatal(err)
		}
		bundle.webhooks = append(bundle.webhooks, w.Key())
	}
	return bundle
}

// receiver answers every request with 200 and a short body.
func receiver(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // other tests check the request
	_, _ = io.WriteString(w, `{"received":true}`)
}

func plainReceiver(b *testing.B) string {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(receiver))
	b.Cleanup(server.Close)
	return server.URL + "/webhook"
}

// mustSucceed fails the benchmark if the answer has a batch item failure.
func mustSucceed(b *testing.B, answer []byte) {
	b.Helper()
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(answer, &response); err != nil || len(response.BatchItemFailures) > 0 {
		b.Fatalf("the function answered %s (%v)", answer, err)
	}
}
