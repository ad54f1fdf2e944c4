package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// These tests write to queues and tables directly, because through the API the case
// takes hours or cannot occur.

// TestPoisonDeliveryBecomesADeadLetter: only an operator's mistake can send such a
// message to the deliveries queue.
func TestPoisonDeliveryBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	url, body := physicalID(t, "DeliveriesQueue"), newTenantID()+" says hello"
	if _, err := sqs.NewFromConfig(cloudtest.Config(t)).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
	want := map[string]deadLetter{body: {Reason: "unreadable", HasDetail: true}}
	if diff := cmp.Diff(want, findDeadLetters(t, "DeliveriesDeadLettersQueue", body, 1)); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

// TestStoredRetryIsDelivered stores the fifth attempt of an event, as if the fourth
// had failed two hours ago.
func TestStoredRetryIsDelivered(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made, text := c.webhook(r.URL, "environment.created"), c.event("evt-1", exactData)
	publish(t, text)
	first := r.next(t)
	c.waitForLogs(made.ID, 1)

	e, err := event.Decode(event.Message{Body: []byte(text), SentAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	store := retrydb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), physicalID(t, "RetriesTable"))
	kept := delivery.Delivery{
		Webhook: webhook.Key{TenantID: c.id, ID: made.ID}, Event: e.Key(), Type: e.Type, Hash: e.Hash(), Attempt: 5, Due: time.Now(),
	}
	if err := store.PutMany(t.Context(), []delivery.Delivery{kept}, time.Now())[0]; err != nil {
		t.Fatal(err)
	}
	invoke(t, physicalID(t, "RetrierFunction"), []byte("{}"), administrator(t)) // otherwise the schedule invokes it within a minute
	again := r.next(t)
	again.verify(t, made.Secret)
	if again.ID() != first.ID() || again.Body != first.Body {
		t.Errorf("the receiver got %s %q, want the same event again: %s %q", again.ID(), again.Body, first.ID(), first.Body)
	}
	if log := c.waitForLogs(made.ID, 2)[0]; log.Attempt != 5 || log.Outcome != "delivered" {
		t.Errorf("log = %+v, want attempt 5 delivered", log)
	}
}

// TestKeysAreListedWithoutTheirSecrets lists keys as an administrator does.
func TestKeysAreListedWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	c := setup(t)
	second := issueKey(t, map[string]any{"tenant_id": c.id, "scopes": []string{"logs:read"}})
	type listed struct {
		KeyID    string `json:"key_id"`
		LastFour string `json:"last_four"`
		APIKey   string `json:"api_key"`
	}
	var answer struct{ Keys []listed }
	keys(t, map[string]any{"action": "list", "tenant_id": c.id}, &answer)
	got := make(map[string]listed)
	for _, key := range answer.Keys {
		got[key.KeyID] = key
	}
	want := listed{KeyID: second.KeyID, LastFour: second.APIKey[len(second.APIKey)-4:]}
	if len(answer.Keys) != 2 || got[second.KeyID] != want {
		t.Errorf("keys = %+v, want two, and %+v among them", answer.Keys, want)
	}
}

// TestLongRetryAfterIsHonored requests a wait that is too long for the queue, so the
// retry is a row of the retries table.
func TestLongRetryAfterIsHonored(t *testing.T) {
	t.Parallel()
	c := setup(t)
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `1`))
	r.next(t)
	log := c.waitForLogs(made.ID, 1)[0]
	next, err := time.Parse(time.RFC3339, log.NextAttemptAt)
	// At most 15 minutes later than requested, rounded up to a second, and never earlier (the test itself may take a minute).
	if wait := time.Until(next); err != nil || log.Outcome != "retrying" || wait < 119*time.Minute || wait > 135*time.Minute+time.Second {
		t.Errorf("log = %+v, want the next attempt in 120 to 135 minutes", log)
	}
	c.call("DELETE", path(made.ID), "") // cancels the retry
}

// TestUnencryptedSecretsAreEncryptedByTheNextWrite: an older version, or a stack with
// EncryptSecrets=false, stored a secret in plaintext. The next write creates the
// tenant's data key and encrypts the secret.
func TestUnencryptedSecretsAreEncryptedByTheNextWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		write func(c *tenant, id int64) (secret string)
	}{
		{"update", func(c *tenant, id int64) string {
			c.update(id, `{"secret":"`+markedSecret+`"}`)
			return markedSecret
		}},
		{"rotation", func(c *tenant, id int64) string {
			return c.rotate(id, "").Secret
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), newReceiver(t, ok)
			plain := webhookdb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), physicalID(t, "WebhooksTable"))
			w, err := plain.Create(t.Context(), webhooktest.Webhook(c.id, func(w *webhook.Webhook) { w.URL = r.URL }), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			secret := test.write(c, w.ID)
			dataOf[tested](t, c.call("POST", path(w.ID, "/test"), ""), http.StatusOK)
			got := r.next(t)
			got.verify(t, secret)
			got.verify(t, w.Secret) // signs for one more day
			again, err := plain.Get(t.Context(), w.Key())
			if err == nil {
				_, err = again.SigningKeys(time.Now())
			}
			if err == nil {
				t.Errorf("the secrets of %v are still stored in plaintext", w.Key())
			}
		})
	}
}
