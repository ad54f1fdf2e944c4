package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook"
)

// TestAFastReceiverDoesNotWaitForASlowOne: the slow receiver holds more requests than all
// invocations get as batches, until the fast one has got its own.
func TestAFastReceiverDoesNotWaitForASlowOne(t *testing.T) {
	t.Parallel()
	const slowEvents, fastEvents = 60, 20
	c, answer := setup(t), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release)
	var gaveUp atomic.Int32
	slow := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
		select {
		case <-answer:
			ok(w, request)
		case <-request.Context().Done():
			gaveUp.Add(1)
		}
	})
	fast := newReceiver(t, ok)
	c.webhook(slow.URL, "environment.created")
	c.webhook(fast.URL, "alert.resolved")
	for n := range slowEvents {
		publish(t, c.event(fmt.Sprint("slow-", n), "1"))
	}
	slow.next(t)
	for n := range fastEvents {
		publish(t, strings.Replace(c.event(fmt.Sprint("fast-", n), "1"), "environment.created", "alert.resolved", 1))
	}
	for range fastEvents {
		fast.next(t)
	}
	if n := gaveUp.Load(); n > 0 {
		t.Errorf("%d attempts to the slow receiver ended before the fast one had its events", n)
	}
}

// TestAnInvocationThatWaitsTakesMessages: it takes messages of its queue, in both lanes.
// One that fails is hidden, as the role of the function permits.
func TestAnInvocationThatWaitsTakesMessages(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"DeliveriesQueue", "SlowQueue"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			c, answer := setup(t), make(chan struct{})
			release := sync.OnceFunc(func() { close(answer) })
			t.Cleanup(release)
			r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
				select {
				case <-answer:
				case <-request.Context().Done():
				}
				ok(w, request)
			})
			waiting, broken := c.webhook(r.URL, "environment.created"), c.webhook(nobody, "alert.resolved")
			c.breakSecret(t, broken.ID)
			url := physicalID(t, queue)
			arn := "arn:aws:sqs:" + deployed(t).Region + ":000000000000:" + url[strings.LastIndex(url, "/")+1:]
			payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
				MessageId: "given", Body: c.delivery("evt-given").EncodeTo(waiting.ID), EventSource: "aws:sqs", EventSourceARN: arn,
				Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": strconv.FormatInt(time.Now().UnixMilli(), 10)},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			response := make(chan string, 1)
			go func() { response <- invoke(t, physicalID(t, "DispatcherFunction"), payload, administrator(t)).Body }()
			r.next(t)

			// Lambda gives some of these messages to other invocations.
			client, sent := sqs.NewFromConfig(cloudtest.Config(t)), 0
			eventually(t, func() string {
				for g := range usedGrants(t) {
					if g.Action == "sqs:ChangeMessageVisibility" && g.Resource == arn {
						return ""
					}
				}
				sent++
				body := c.delivery(fmt.Sprint("evt-", sent)).EncodeTo(broken.ID)
				if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("no message of %d that fail was taken and hidden", sent)
			})
			release()
			var settled events.SQSEventResponse
			if text := <-response; json.Unmarshal([]byte(text), &settled) != nil || settled.BatchItemFailures == nil || len(settled.BatchItemFailures) > 0 {
				t.Errorf("the invocation answered %s, want that the given message is settled", text)
			}
			// What failed is received again after minutes, and dropped.
			c.call("DELETE", path(broken.ID), "").is(t, http.StatusNoContent, "")
		})
	}
}

// delivery returns the first attempt of an event with a body.
func (c *tenant) delivery(id string) delivery.Delivery {
	return delivery.Delivery{
		Webhook: webhook.Key{TenantID: c.id}, Event: event.Key{TenantID: c.id, ID: id}, Type: event.EnvironmentCreated,
		Attempt: 1, Due: time.Now(), Body: []byte(`{"data":1}`),
	}
}

// breakSecret makes the secret of a webhook unreadable.
func (c *tenant) breakSecret(t *testing.T, id int64) {
	t.Helper()
	table, change := physicalID(t, "WebhooksTable"), "SET secret = :broken"
	_, err := dynamodb.NewFromConfig(cloudtest.Config(t)).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, UpdateExpression: &change,
		Key: map[string]types.AttributeValue{
			"tenant_id": &types.AttributeValueMemberS{Value: c.id}, "webhook_id": &types.AttributeValueMemberN{Value: strconv.FormatInt(id, 10)},
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{":broken": &types.AttributeValueMemberS{Value: "broken"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
