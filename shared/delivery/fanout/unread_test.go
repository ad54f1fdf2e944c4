package fanout_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// DynamoDB may leave the keys of one hot partition unread in every try. Only the
// events that need those keys are received again.
func TestUnreadKeysFailOnlyTheirOwnEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		attribute, value string
		failed           []string
	}{
		"the index of a tenant": {attribute: "tenant_id", value: "globex", failed: []string{"m2", "m4"}},
		"an event":              {attribute: "event", value: "globex#e1", failed: []string{"m2"}},
		"an event sent twice":   {attribute: "event", value: tenant + "#e1", failed: []string{"m1", "m5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, log := setup(t), new(bytes.Buffer)
			b.Log = slog.New(slog.NewJSONHandler(log, nil))
			b.subscribe(t, tenant)
			b.subscribe(t, "globex")
			batch := []events.SQSMessage{
				message("m1", created(tenant, "e1", `1`)), message("m2", created("globex", "e1", `1`)), message("m3", created(tenant, "e2", `1`)),
				message("m4", created("globex", "e2", `1`)), message("m5", created(tenant, "e1", `1`)), message("m6", `x`),
			}
			b.faults.Unread(tt.attribute, tt.value)
			failed := b.handle(t, batch...)
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("received again (-want +got):\n%s", diff)
			}
			// An error line takes a gradual deployment back.
			if text := log.String(); strings.Contains(text, `"ERROR"`) || strings.Count(text, `"event failed"`) != len(tt.failed) {
				t.Errorf("log = %s, want a warning for each failed event", text)
			}
			if letters := b.letters(t); len(letters) != 1 {
				t.Errorf("%d dead letters, want that of the invalid message", len(letters))
			}
			b.faults.Clear()
			if got := b.handle(t, pick(batch, failed, 2)...); len(got) > 0 {
				t.Errorf("failed again: %v", got)
			}
			if got := b.queued(t); len(got) != 4 {
				t.Errorf("%d deliveries, want one for each event", len(got))
			}
		})
	}
}

// An index that cannot be decoded fails the events of its tenant only.
func TestAnUnreadableIndexFailsOnlyItsTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	broken := map[string]types.AttributeValue{
		"tenant_id": &types.AttributeValueMemberS{Value: "globex"}, "webhook_id": &types.AttributeValueMemberN{Value: "0"},
		"index": &types.AttributeValueMemberS{Value: "not a map"},
	}
	if _, err := b.direct.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.webhooksTable, Item: broken}); err != nil {
		t.Fatal(err)
	}
	failed := b.handle(t, message("m1", created("globex", "e1", `1`)), message("m2", created(tenant, "e1", `1`)))
	if diff := cmp.Diff([]string{"m1"}, failed); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
	if got := b.queued(t); len(got) != 1 || got[0].Webhook.TenantID != tenant {
		t.Errorf("deliveries = %v, want that of the other tenant", got)
	}
}
