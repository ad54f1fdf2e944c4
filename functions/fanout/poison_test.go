package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
)

const largest = 1 << 20 // a message of SQS, in bytes

// attribute is a message attribute as Lambda passes it on.
type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// record is a message as Lambda passes it on.
type record struct {
	MessageID         string               `json:"messageId"`
	Body              string               `json:"body"`
	Attributes        map[string]string    `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
}

// overSQS sends a message with attributes to a queue and returns it as Lambda's queue
// mapping passes it on.
func (b bundle) overSQS(t *testing.T, body string, attributes map[string]types.MessageAttributeValue) record {
	t.Helper()
	url := cloudtest.Queue(t)
	if _, err := b.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: attributes}); err != nil {
		t.Fatal(err)
	}
	out, err := b.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("received %d messages, %v", len(out.Messages), err)
	}
	m := out.Messages[0]
	r := record{MessageID: *m.MessageId, Body: *m.Body, Attributes: m.Attributes, MessageAttributes: make(map[string]attribute)}
	for name, value := range m.MessageAttributes {
		r.MessageAttributes[name] = attribute{StringValue: value.StringValue, BinaryValue: value.BinaryValue, DataType: *value.DataType}
	}
	return r
}

// ten returns ten attributes of every type, the largest number of a message.
func ten() map[string]types.MessageAttributeValue {
	all := map[string]types.MessageAttributeValue{
		"event_id": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 0xff}},
		"message":  {DataType: aws.String("Binary.gzip"), BinaryValue: []byte{0x1f, 0x8b}},
	}
	for i, dataType := range []string{"String", "String.text", "Number", "Number.float", "String", "Number", "String", "String"} {
		name := []string{"reason", "detail", "sent_at", "cost", "tenant_id", "redrive", "event_type", "altered"}[i]
		all[name] = types.MessageAttributeValue{DataType: &dataType, StringValue: aws.String("4102444800000")}
	}
	return all
}

// TestPoisonBecomesALetterAtTheFirstReceive sends messages that no version can deliver,
// each between two events. It finds the message in the dead-letter queue with its
// reason, and the deliveries of the events in theirs.
func TestPoisonBecomesALetterAtTheFirstReceive(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string {
		return `{"id":"deep","type":"environment.created","tenant_id":"demo","data":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
	}
	for name, tt := range map[string]struct {
		body       string
		direct     bool // SQS does not take it, and Lambda passes it on
		attributes map[string]types.MessageAttributeValue
		reason     string
		altered    bool
	}{
		"text":                           {body: "hello", reason: "not_json"},
		"text with ten attributes":       {body: "hello", attributes: ten(), reason: "not_json"},
		"null":                           {body: "null", reason: "not_json"},
		"null with ten attributes":       {body: "null", attributes: ten(), reason: "not_json"},
		"a number":                       {body: "1e999", reason: "not_json"},
		"a string":                       {body: `"{}"`, reason: "not_json"},
		"an array of events":             {body: `[{"id":"e1"}]`, reason: "not_json"},
		"white space":                    {body: " ", reason: "not_json"},
		"no body":                        {body: "", direct: true, reason: "not_json", altered: true},
		"characters that SQS refuses":    {body: "\ufffe\x00\x1f", direct: true, reason: "not_json", altered: true},
		"an empty object":                {body: "{}", reason: "missing_field"},
		"a byte order mark":              {body: "\ufeff{}", reason: "not_json"},
		"101 levels":                     {body: nested(101), reason: "too_deep"},
		"9,999 levels":                   {body: nested(9_999), reason: "too_deep"},
		"500,000 levels":                 {body: nested(500_000), reason: "too_deep"},
		"500,000 levels, not closed":     {body: strings.Repeat(`{"a":`, 200_000), reason: "not_json"},
		"1 MiB":                          {body: strings.Repeat("x", largest), reason: "not_json", altered: true},
		"1 MiB of JSON":                  {body: `{"id":"e1","type":"environment.created","tenant_id":"demo","data":"` + strings.Repeat("x", largest-69) + `"}`, reason: "data_too_large", altered: true},
		"1 MiB of white space":           {body: `{"id":"e1","type":"environment.created","tenant_id":"demo","data":1}` + strings.Repeat(" ", largest-68), reason: "message_too_large", altered: true},
		"1 MiB of characters of 4 bytes": {body: strings.Repeat("😀", largest/4), reason: "not_json", altered: true},
		"1 MiB of members":               {body: `{"` + strings.Repeat(`":0,"`, (largest-7)/5) + `":0}`, reason: "not_json", altered: true},
		"half a redriven message":        {body: `{"redrive":1,"body":"{}"`, reason: "not_json"},
		"a redriven message with U+FFFF": {body: `{"redrive":1,"event_id":"e1","sent_at":1,"body":"{\"id\":\"e1\",\"type\":\"environment.created\",\"tenant_id\":\"demo\",\"data\":\"\uffff\"}"}`, reason: "unknown_field"},
		"a delivery":                     {body: `{"kind":"delivery","format":1,"tenant_id":"demo","webhook_ids":[1],"event_id":"e1","type":"environment.created","attempt":1}`, reason: "unknown_field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if _, err := b.webhooks.Create(t.Context(), webhooktest.Webhook("demo"), time.Now()); err != nil {
				t.Fatal(err)
			}
			good := func(id string) record {
				return b.overSQS(t, `{"id":"`+id+`","type":"environment.created","tenant_id":"demo","data":1}`, ten())
			}
			first, poison, last := good("first"), record{}, good("last")
			if tt.direct {
				poison = record{MessageID: "m-direct", Body: tt.body, Attributes: map[string]string{
					"ApproximateReceiveCount": "1", "SentTimestamp": strconv.FormatInt(time.Now().UnixMilli(), 10),
				}}
			} else {
				poison = b.overSQS(t, tt.body, tt.attributes)
			}
			payload, err := json.Marshal(map[string]any{"Records": []record{first, poison, last}})
			if err != nil {
				t.Fatal(err)
			}
			if got := b.invoke(t, payload); got != `{"batchItemFailures":[]}` {
				t.Errorf("response = %s", got)
			}
			b.wantLetter(t, tt.body, poison.MessageID, tt.reason, tt.altered)
			deliveries := strings.Join(b.bodies(t, b.deliveries), "\n")
			if !strings.Contains(deliveries, `"event_id":"first"`) || !strings.Contains(deliveries, `"event_id":"last"`) || strings.Count(deliveries, "\n") != 1 {
				t.Errorf("deliveries:\n%.1000s\nwant those of the two events", deliveries)
			}
		})
	}
}

// wantLetter checks the only dead letter.
func (b bundle) wantLetter(t *testing.T, body, messageID, reason string, altered bool) {
	t.Helper()
	out, err := b.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &b.deadLetters, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("%d dead letters, %v, want 1", len(out.Messages), err)
	}
	letter, size := out.Messages[0], len(*out.Messages[0].Body)
	text := make(map[string]string)
	for name, value := range letter.MessageAttributes {
		text[name] = *value.StringValue
		size += len(name) + len(*value.DataType) + len(*value.StringValue)
	}
	if text["reason"] != reason || text["message_id"] != messageID || !strings.Contains(text["detail"], " ") || text["sent_at"] == "" {
		t.Errorf("attributes = %v, want the reason %s of message %s", text, reason, messageID)
	}
	if _, is := text["altered"]; is != altered || (*letter.Body == body) == altered {
		t.Errorf("altered = %q for a body of %d bytes from %d", text["altered"], len(*letter.Body), len(body))
	}
	if size > largest { // the local cloud counts no attributes
		t.Errorf("the letter has %d bytes: SQS would refuse it", size)
	}
}

// TestInvalidUTF8InAPayloadFailsNoOther: the decoder of Lambda's events replaces invalid bytes.
// SQS takes none, so none arrive from there.
func TestInvalidUTF8InAPayloadFailsNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	payload := fmt.Appendf(nil, `{"Records":[{"messageId":"m1","body":%s,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1769421600007"}},`+
		`{"messageId":"m2","body":"{\"id\":\"good\",\"type\":\"environment.created\",\"tenant_id\":\"demo\",\"data\":1}","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1769421600007"}}]}`, "\"\xff\xc3\"")
	if got := b.invoke(t, payload); got != `{"batchItemFailures":[]}` {
		t.Errorf("response = %s", got)
	}
	b.wantLetter(t, "\ufffd\ufffd", "m1", "not_json", false)
	if hashes, failed := b.events.GetHashes(t.Context(), []event.Key{{TenantID: "demo", ID: "good"}}, time.UnixMilli(1769421600007)); len(hashes) != 1 || len(failed) > 0 {
		t.Errorf("stored events = %v, %v, want the good one", hashes, failed)
	}
}
