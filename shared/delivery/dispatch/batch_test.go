package dispatch_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// The logs and next attempts of fast receivers do not wait for the slowest receiver
// of the batch: here it responds only after they are seen.
func TestASlowReceiverDoesNotDelayTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(seen) }) }
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-seen }))
	defer slow.Close()
	defer release() // Close waits for the handlers
	fast := httptest.NewServer(answer(500, new(atomicCount)))
	defer fast.Close()
	toSlow, toFast := b.create(t, slow.URL), b.create(t, fast.URL)
	messages := []events.SQSMessage{message(b.to(toSlow, 0).Encode())}
	for n := range 9 {
		messages = append(messages, message(b.to(toFast, n+1).Encode()))
	}
	handled := make(chan []string, 1)
	go func() {
		response, _ := b.dispatcher.Handle(t.Context(), batch(messages...))
		handled <- make([]string, len(response.BatchItemFailures))
	}()

	for range 9 {
		<-b.queue.sent // nine next attempts, while the slow attempt is in flight
	}
	if logs := b.written(t, toFast); len(logs) != 9 {
		t.Errorf("%d logs are written before the slow attempt ends, want 9", len(logs))
	}
	if logs := b.written(t, toSlow); len(logs) != 0 {
		t.Errorf("the slow attempt has ended: %+v", logs)
	}
	release()
	if failed := <-handled; len(failed) != 0 {
		t.Errorf("%d messages are received again", len(failed))
	}
	if logs := b.written(t, toSlow); len(logs) != 1 || logs[0].Outcome != attemptlog.Delivered {
		t.Errorf("the slow attempt's logs = %+v", logs)
	}
}

func TestABatchReadsItsWebhooksOnce(t *testing.T) {
	t.Parallel()
	d := stubbed(t, attempt.Result{StatusCode: 200})
	webhooks, _ := d.Webhooks.(*webhooksStub)
	var keys []webhook.Key
	webhooks.getMany = func(asked []webhook.Key) { keys = asked }
	var messages []events.SQSMessage
	for n := range 10 {
		dl := one(n)
		dl.Webhook.ID = int64(n + 1)
		messages = append(messages, message(dl.Encode()))
	}
	if _, err := d.Handle(t.Context(), batch(messages...)); err != nil {
		t.Fatal(err)
	}
	if webhooks.reads.get() != 1 || len(keys) != 10 {
		t.Errorf("%d reads, the last of %d webhooks, want one of 10", webhooks.reads.get(), len(keys))
	}
}

func TestWithoutDeliveriesNoWebhookIsRead(t *testing.T) {
	t.Parallel()
	d := stubbed(t, attempt.Result{})
	webhooks, _ := d.Webhooks.(*webhooksStub)
	for _, messages := range [][]events.SQSMessage{nil, {message("unreadable")}} {
		response, err := d.Handle(t.Context(), batch(messages...))
		// The local cloud treats a null list as a failure of every message.
		if err != nil || response.BatchItemFailures == nil || len(response.BatchItemFailures) != 0 {
			t.Errorf("Handle of %d messages = %#v, %v", len(messages), response, err)
		}
	}
	if webhooks.reads.get() != 0 {
		t.Errorf("%d reads", webhooks.reads.get())
	}
}

func TestUnreadWebhooksFailOnlyDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "https://receiver.example")
	b.dispatcher.Webhooks = &webhooksStub{unreadable: map[webhook.Key]error{w.Key(): errors.New("throttled")}}
	failed := b.handle(t, t.Context(), message(b.to(w, 1).Encode()), message("unreadable"), message(b.to(w, 2).Encode()))
	if diff := cmp.Diff([]string{"m-0", "m-2"}, failed); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
	if letters := b.letters(t); len(letters) != 1 {
		t.Errorf("dead letters = %v", letters)
	}
}

// DynamoDB may leave the webhook of one hot partition unread in every try. The
// other deliveries of the batch are made.
func TestAnUnreadWebhookFailsOnlyItsDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, hot := b.create(t, "https://receiver.example"), b.create(t, "https://hot.example")
	var faults faulttest.Faults
	faults.Unread("webhook_id", strconv.FormatInt(hot.ID, 10))
	b.dispatcher.Webhooks = webhookdb.New(dynamodb.NewFromConfig(faults.Config(cloudtest.Config(t))), b.table)
	b.dispatcher.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result { return attempt.Result{StatusCode: 200} })
	failed := b.handle(t, t.Context(), message(b.to(hot, 0).Encode()), message(b.to(w, 1).Encode()), message(b.to(hot, 2).Encode()))
	if diff := cmp.Diff([]string{"m-0", "m-2"}, failed); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
	if logs := b.written(t, w); len(logs) != 1 {
		t.Errorf("%d logs, want that of the other webhook's attempt", len(logs))
	}
	if b.log.contains(`"ERROR"`) || !b.log.contains(`"message failed and will be received again"`) {
		t.Errorf("log = %s, want warnings: an error line takes a gradual deployment back", b.log.text.String())
	}
}

// If KMS fails for one tenant, only its deliveries fail.
func TestASecretThatCannotBeDecryptedFailsOnlyItsDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "https://receiver.example")
	sealed := w
	sealed.TenantID = "globex"
	b.dispatcher.Webhooks = &webhooksStub{webhook: w, unreadable: map[webhook.Key]error{sealed.Key(): errors.New("KMS is down")}}
	sent := make(chan string, 4)
	b.dispatcher.Sender = senderFunc(func(_ context.Context, r attempt.Request) attempt.Result {
		sent <- r.ID
		return attempt.Result{StatusCode: 200}
	})
	failed := b.handle(t, t.Context(),
		message(b.to(sealed, 0).Encode()), message(b.to(w, 1).Encode()), message(b.to(sealed, 2).Encode()), message(b.to(w, 3).Encode()))
	if diff := cmp.Diff([]string{"m-0", "m-2"}, failed); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
	if len(sent) != 2 || len(b.letters(t)) != 0 {
		t.Errorf("%d attempts, want the two of the other tenant, and no dead letter", len(sent))
	}
}

func TestAPanicFailsOnlyItsDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dispatcher.Sender = senderFunc(func(_ context.Context, r attempt.Request) attempt.Result {
		if r.ID == "evt_1" {
			panic("a bug")
		}
		return attempt.Result{StatusCode: 200}
	})
	w := b.create(t, "https://receiver.example")
	failed := b.handle(t, t.Context(), message(b.to(w, 0).Encode()), message(b.to(w, 1).Encode()), message(b.to(w, 2).Encode()))
	if diff := cmp.Diff([]string{"m-1"}, failed); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
	if logs := b.written(t, w); len(logs) != 2 {
		t.Errorf("%d logs, want those of the other two deliveries", len(logs))
	}
	if !b.log.contains("a bug") || !b.log.contains("batch_test.go") {
		t.Error("the log does not contain the panic and its stack")
	}
}

// The receiver has the delivery, so a later panic does not repeat the attempt.
func TestAPanicAfterTheAttemptDoesNotRepeatIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "https://receiver.example")
	b.dispatcher.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result { return attempt.Result{StatusCode: 410} })
	b.dispatcher.Webhooks = &webhooksStub{webhook: w, disable: func(webhook.Key, int64) (bool, error) { panic("a bug") }}
	b.settle(t, b.to(w, 1))
	if logs := b.written(t, w); len(logs) != 1 || logs[0].StatusCode != 410 {
		t.Errorf("logs = %+v", logs)
	}
}

func TestAnErrorInDisablingDoesNotRepeatTheAttempt(t *testing.T) {
	t.Parallel()
	for level, refused := range map[string]error{
		"ERROR": errors.New("throttled"),
		// A tenant that writes too fast and answers 410 rings no alarm of the operator.
		"WARN": apperr.Wrap(errors.New("transaction conflict"), apperr.ChangedMeanwhile),
	} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.create(t, "https://receiver.example")
			b.dispatcher.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result { return attempt.Result{StatusCode: 410} })
			b.dispatcher.Webhooks = &webhooksStub{webhook: w, disable: func(webhook.Key, int64) (bool, error) { return false, refused }}
			b.settle(t, b.to(w, 1))
			if logs := b.written(t, w); len(logs) != 1 || !b.log.contains(`"level":"`+level+`","msg":"the webhook answered 410 and could not be disabled"`) {
				t.Errorf("logs = %+v, %s", logs, b.log.text.String())
			}
		})
	}
}

func TestABatchDisablesAWebhookOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, calls := stubbed(t, attempt.Result{StatusCode: 410}), 0
		d.Webhooks.(*webhooksStub).disable = func(webhook.Key, int64) (bool, error) {
			calls++
			return true, nil
		}
		if _, err := d.Handle(t.Context(), batch(ten()...)); err != nil || calls != 1 {
			t.Errorf("disabled %d times, %v, want once", calls, err)
		}
	})
}

func TestEachAttemptUsesTheCurrentWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var before, after atomicCount
	first, second := httptest.NewServer(answer(500, &before)), httptest.NewServer(answer(200, &after))
	defer first.Close()
	defer second.Close()
	w := b.create(t, first.URL)
	b.settle(t, b.to(w, 1))
	if _, err := b.webhooks.Update(t.Context(), w.Key(), time.Now(), func(w webhook.Webhook) (webhook.Webhook, error) {
		w.URL = second.URL
		return w, nil
	}); err != nil {
		t.Fatal(err)
	}
	_, next := b.queue.take(t)
	b.now = next[0].Deliveries[0].Due.Add(time.Second)
	b.settle(t, next[0].Deliveries...)
	if before.get() != 1 || after.get() != 1 {
		t.Errorf("%d requests to the old URL and %d to the new one", before.get(), after.get())
	}
}
