package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/testkit/cloudtest"
)

// TestRedrive creates dead letters in every possible way, redrives them with make
// redrive as an operator of a stack on AWS does, and checks the deliveries.
//
// It is not parallel, because a redrive also takes the dead letters of other tests.
func TestRedrive(t *testing.T) {
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")

	// An event without an id, which SQS moved because the function crashed each time. Its
	// producer has set attributes with the names of ours.
	moved := movedBySQS(t, physicalID(t, "EventsDeadLettersQueue"), fmt.Sprintf(`{"type":"environment.created","tenant_id":%q,"data":1}`, c.id),
		map[string]string{"reason": "conflict", "event_id": "order-42", "sent_at": "2026-01-26T10:00:00Z", "altered": "cut"})
	if got := makeTarget(t, "letters"); !strings.Contains(got, "× received_too_often") {
		t.Errorf("make letters printed:\n%s", got)
	}
	makeTarget(t, "redrive", "QUEUE=events", "REASON=received_too_often")
	got := r.next(t)
	if want := "evt_" + moved; got.ID() != want {
		t.Errorf("got %s, want the id of the original message: %s", got.ID(), want)
	}

	// An event that the function moved after too many receives, with attributes.
	first := time.Now().UTC().Add(-20 * 24 * time.Hour)
	setAside(t, "EventsDeadLettersQueue", c.event("evt-again", `2`), map[string]string{"reason": "too_many_receives", "event_id": "evt-again", "sent_at": strconv.FormatInt(first.UnixMilli(), 10)})
	makeTarget(t, "redrive", "QUEUE=events", "REASON=too_many_receives")
	if got := r.next(t); got.ID() != "evt-again" || !strings.Contains(got.Body, `"timestamp":"`+first.Format("2006-01-02T15:04:05.000Z")) {
		t.Errorf("got %s %s, want the time of the first sending", got.ID(), got.Body)
	}

	// A delivery, and a message that is unreadable.
	hash := strings.Repeat("0", 64)
	delivery := fmt.Sprintf(`{"kind":"delivery","format":1,"tenant_id":%q,"webhook_ids":[%d],"event_id":"evt-d","type":"environment.created","attempt":1,"due":1769421600007,"hash":%q,"body":{"n":3}}`, c.id, made.ID, hash)
	setAside(t, "DeliveriesDeadLettersQueue", delivery, map[string]string{"reason": "too_many_receives", "event_id": "evt-d"})
	setAside(t, "DeliveriesDeadLettersQueue", c.id+" says hello", map[string]string{"reason": "unreadable"})
	makeTarget(t, "redrive", "QUEUE=deliveries")
	if got := r.next(t); got.ID() != "evt-d" || got.Body != `{"n":3}` {
		t.Errorf("got %s %s", got.ID(), got.Body)
	}
	eventually(t, func() string {
		if got := makeTarget(t, "letters"); !strings.Contains(got, "× unreadable") {
			return "the unreadable message is not a dead letter again:\n" + got
		}
		return ""
	})
}

// TestAMessageOfTheLargestSizeIsSetAsideAndKept sends the largest message of SQS: it
// becomes a dead letter at once, and a redrive reports it and never sends it.
func TestAMessageOfTheLargestSizeIsSetAsideAndKept(t *testing.T) {
	c, r := setup(t), newReceiver(t, ok)
	c.webhook(r.URL, "environment.created")
	largest := c.id + strings.Repeat("x", 1<<20-len(c.id))
	publish(t, largest)
	publish(t, c.event("evt-beside", `1`))
	if got := r.next(t); got.ID() != "evt-beside" {
		t.Errorf("got %s", got.ID())
	}
	eventually(t, func() string {
		if got := makeTarget(t, "letters"); !strings.Contains(got, "× not_json") {
			return "the message is not a dead letter:\n" + got
		}
		return ""
	})
	if got := makeTarget(t, "redrive", "QUEUE=events", "REASON=not_json"); !strings.Contains(got, "cannot be sent back") || !strings.Contains(got, "cut from 1048576 bytes") {
		t.Errorf("make redrive printed:\n%s", got)
	}
	for body, letter := range findDeadLetters(t, "EventsDeadLettersQueue", c.id, 1) {
		if letter.Reason != "not_json" || !strings.HasPrefix(largest, body) || len(body) < 1<<19 {
			t.Errorf("dead letter %+v with %d bytes", letter, len(body))
		}
	}
}

// TestRedriveOfAConflict sends the event of a conflict again: unchanged it is a conflict
// again, with another id it is delivered.
func TestRedriveOfAConflict(t *testing.T) {
	c, r := setup(t), newReceiver(t, ok)
	c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `1`))
	r.next(t)
	c.waitForEvent("evt-1")
	loser := c.event("evt-1", `2`)
	for range 2 {
		publish(t, loser)
		if got := findDeadLetters(t, "EventsDeadLettersQueue", c.id, 1)[loser]; got.Reason != "conflict" {
			t.Fatalf("dead letter %+v", got)
		}
	}
	publish(t, strings.Replace(loser, "evt-1", "evt-2", 1))
	if got := r.next(t); got.ID() != "evt-2" {
		t.Errorf("got %s", got.ID())
	}
}

// makeTarget runs a make target as for a stack on AWS, with the local cloud as AWS, and
// returns its output.
func makeTarget(t *testing.T, target string, variables ...string) string {
	t.Helper()
	stack := deployed(t)
	command := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", target, "STACK_NAME=" + stack.StackName}, variables...)...)
	command.Dir = cloudtest.Path()
	command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+stack.EndpointURL, "AWS_REGION="+stack.Region, "AWS_DEFAULT_REGION="+stack.Region,
		"AWS_ACCESS_KEY_ID="+stack.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+stack.SecretAccessKey, "MAKEFLAGS=")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, out)
	}
	return string(out)
}

// movedBySQS sends body to a queue whose maxReceiveCount is 1 and makes SQS move it to
// the dead-letter queue. It returns the id of the message.
func movedBySQS(t *testing.T, letters, body string, attributes map[string]string) (id string) {
	t.Helper()
	client, url := sqs.NewFromConfig(cloudtest.Config(t)), cloudtest.Queue(t)
	arn := types.QueueAttributeNameQueueArn
	found, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &letters, AttributeNames: []types.QueueAttributeName{arn}})
	if err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, found.Attributes[string(arn)])
	if _, err := client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
		t.Fatal(err)
	}
	sent, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: texts(attributes)})
	if err != nil {
		t.Fatal(err)
	}
	// The message is received and made visible again. At the second receive, SQS moves it.
	got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	if err != nil || len(got.Messages) != 1 {
		t.Fatalf("received %v, %v", got, err)
	}
	if _, err := client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if again, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url}); err != nil || len(again.Messages) != 0 {
		t.Fatalf("received %v again, %v", again, err)
	}
	return *sent.MessageId
}

// setAside sends a dead letter as the functions do.
func setAside(t *testing.T, queue, body string, attributes map[string]string) {
	t.Helper()
	url := physicalID(t, queue)
	input := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: texts(attributes)}
	if _, err := sqs.NewFromConfig(cloudtest.Config(t)).SendMessage(t.Context(), input); err != nil {
		t.Fatal(err)
	}
}

// texts returns message attributes of the type String.
func texts(values map[string]string) map[string]types.MessageAttributeValue {
	attributes := make(map[string]types.MessageAttributeValue)
	for name, value := range values {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	return attributes
}
