package dispatch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// An invocation of the slow lane makes a hundred attempts at once. Each sends a body of
// 32 KiB and reads a large response. The test measures the memory while all
// attempts wait, including the receiver's. It does not run in parallel, because
// other tests would use memory too.
func TestAHundredConcurrentAttemptsFitIntoTheFunction(t *testing.T) {
	const attempts = 100
	var waiting sync.WaitGroup
	waiting.Add(attempts)
	measured := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-Filler-%d", i), strings.Repeat("x", 500))
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(make([]byte, 32<<10))
		_ = http.NewResponseController(w).Flush()
		waiting.Done()
		<-measured
		_, _ = w.Write(make([]byte, 32<<10))
	}))
	defer receiver.Close()
	g, err := guard.New(guard.Config{AllowLocal: true, OwnEndpoints: []string{"http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	d := stubbed(t, attempt.Result{})
	d.Webhooks.(*webhooksStub).webhook.URL = receiver.URL
	d.Sender = attempt.New(g, attempt.Config{UserAgent: dispatch.UserAgent, BodyLimit: attempt.MaxBodyLimit})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var messages []events.SQSMessage
	for n := range attempts {
		dl := one(n)
		dl.Due, dl.Webhook = time.Now(), webhook.Key{TenantID: tenant, ID: int64(n + 1)}
		dl.Body = []byte(`{"data":"` + strings.Repeat("x", 32<<10) + `"}`)
		messages = append(messages, inSlowLane(message(dl.Encode())))
	}
	var handled sync.WaitGroup
	handled.Go(func() {
		if response, err := d.Handle(context.Background(), batch(messages...)); err != nil || len(response.BatchItemFailures) > 0 {
			t.Errorf("Handle = %v, %v", response, err)
		}
	})
	waiting.Wait()
	runtime.ReadMemStats(&during)
	close(measured)
	handled.Wait()
	held := int64(during.Sys) - int64(before.Sys)
	t.Logf("%d MiB more from the system, %d MiB allocated and not freed", held>>20, (during.HeapAlloc-before.HeapAlloc)>>20)
	if held > 128<<20 {
		t.Errorf("a hundred attempts take %d MiB from the system; the function has 256", held>>20)
	}
}
