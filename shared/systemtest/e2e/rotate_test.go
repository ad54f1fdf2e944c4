package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/testkit/cloudtest"
)

// rotated is the data of a rotation.
type rotated struct {
	WebhookID               int64     `json:"webhook_id"`
	Secret                  string    `json:"secret"`
	PreviousSecretExpiresAt time.Time `json:"previous_secret_expires_at"`
}

func (c *tenant) rotate(id int64, body string) rotated {
	c.t.Helper()
	return dataOf[rotated](c.t, c.call("POST", path(id, "/secret/rotate"), body), http.StatusOK)
}

// TestRotatedSecretSignsBesideTheOldOne also ends the overlap with a second rotation.
func TestRotatedSecretSignsBesideTheOldOne(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")

	second := c.rotate(made.ID, "")
	if left := time.Until(second.PreviousSecretExpiresAt); left > 24*time.Hour || left < 23*time.Hour {
		t.Errorf("the old secret signs for %v, want a day", left)
	}
	publish(t, c.event("evt_beside", `{}`))
	got := r.next(t)
	got.verify(t, made.Secret)
	got.verify(t, second.Secret)

	third := c.rotate(made.ID, `{"overlap_days":0}`)
	if !third.PreviousSecretExpiresAt.IsZero() || third.Secret == second.Secret {
		t.Errorf("response = %+v, want another secret and no previous one", third)
	}
	publish(t, c.event("evt_cut", `{}`))
	got = r.next(t)
	got.verify(t, third.Secret)
	if signatures := strings.Fields(got.Header.Get("Webhook-Signature")); len(signatures) != 1 {
		t.Errorf("%d signatures, want only that of the new secret", len(signatures))
	}
}

// TestTableHoldsNoPlaintextSecret: read access to the table does not allow signing.
func TestTableHoldsNoPlaintextSecret(t *testing.T) {
	t.Parallel()
	c := setup(t)
	answer := c.call("POST", "/api/v1/webhooks", `{"name":"n","url":"`+nobody+`","events":["alert.resolved"],"secret":"MARKED-`+c.id+`"}`)
	if answer.Status != http.StatusCreated {
		t.Fatalf("create: %d %s", answer.Status, answer.Body)
	}
	c.update(1, `{"secret":"MARKED-again-`+c.id+`"}`)

	table := physicalID(t, "WebhooksTable")
	out, err := dynamodb.NewFromConfig(cloudtest.Config(t)).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &table, ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{
			"tenant_id": &types.AttributeValueMemberS{Value: c.id}, "webhook_id": &types.AttributeValueMemberN{Value: "1"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	current, _ := out.Item["secret"].(*types.AttributeValueMemberS)
	previous, _ := out.Item["previous_secrets"].(*types.AttributeValueMemberL)
	if current == nil || previous == nil || len(previous.Value) != 1 {
		t.Fatalf("the item is %v", out.Item)
	}
	replaced, _ := previous.Value[0].(*types.AttributeValueMemberM).Value["secret"].(*types.AttributeValueMemberS)
	for _, stored := range []*types.AttributeValueMemberS{current, replaced} {
		if stored == nil || !strings.HasPrefix(stored.Value, "aes-256-gcm:") || strings.Contains(stored.Value, "MARKED") {
			t.Errorf("stored %v, want it encrypted", stored)
		}
	}
}
