package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/aws/queue"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

// taken is a source of the local cloud with n messages, "0", "1" and so on.
type taken struct {
	*queue.Source
	*queue.Queue
	faults *faulttest.Faults
}

func newSource(t *testing.T, n int) taken {
	t.Helper()
	faults, url := new(faulttest.Faults), cloudtest.Queue(t)
	client := sqs.NewFromConfig(faults.Config(cloudtest.Config(t)))
	s := taken{queue.NewSource(client, url), queue.New(client, url), faults}
	var messages []queue.Message
	for i := range n {
		messages = append(messages, queue.Message{Body: strconv.Itoa(i), Group: "acme", Attributes: map[string]string{"reason": "a test"}})
	}
	if err := errors.Join(s.Send(t.Context(), messages)...); err != nil {
		t.Fatal(err)
	}
	return s
}

// receive returns messages until none is visible.
func (s taken) receive(t *testing.T, hidden time.Duration) (list []events.SQSMessage) {
	t.Helper()
	for {
		messages, err := s.Receive(t.Context(), 10, 0, hidden)
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) == 0 {
			return list
		}
		list = append(list, messages...)
	}
}

func handles(messages []events.SQSMessage) (list []string) {
	for _, m := range messages {
		list = append(list, m.ReceiptHandle)
	}
	return list
}

func TestAReceivedMessageLooksLikeOneFromLambda(t *testing.T) {
	t.Parallel()
	s := newSource(t, 1)
	before := time.Now()
	got := s.receive(t, time.Minute)
	want := []events.SQSMessage{{
		Body: "0", EventSource: "aws:sqs",
		MessageAttributes: map[string]events.SQSMessageAttribute{"reason": {StringValue: aws.String("a test"), DataType: "String"}},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(events.SQSMessage{}, "MessageId", "ReceiptHandle", "Attributes")); diff != "" {
		t.Fatalf("received (-want +got):\n%s", diff)
	}
	m := got[0]
	sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	if m.MessageId == "" || m.ReceiptHandle == "" || m.Attributes["ApproximateReceiveCount"] != "1" || err != nil || before.Sub(time.UnixMilli(sent)).Abs() > time.Minute {
		t.Errorf("received %+v", m)
	}
}

func TestReceivedMessagesAreHiddenAndDeleted(t *testing.T) {
	t.Parallel()
	s := newSource(t, 25)
	got := s.receive(t, time.Minute)
	if len(got) != 25 {
		t.Fatalf("%d messages, want 25", len(got))
	}
	if err := errors.Join(s.Hide(t.Context(), handles(got[:12]), 0)...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Delete(t.Context(), handles(got[12:]))...); err != nil {
		t.Fatal(err)
	}
	again := s.receive(t, time.Minute)
	if len(again) != 12 || again[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("%d messages are received again, want the 12 that were given back: %v", len(again), again)
	}
}

func TestReceiveAsksForAtMostTen(t *testing.T) {
	t.Parallel()
	s := newSource(t, 0)
	var asked []*sqs.ReceiveMessageInput
	faulttest.On(s.faults, func(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		asked = append(asked, in)
		return &sqs.ReceiveMessageOutput{}, nil
	})
	for _, most := range []int{1, 10, 100} {
		if _, err := s.Receive(t.Context(), most, time.Second, 41500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int32{1, 10, 10} {
		if in := asked[i]; in.MaxNumberOfMessages != want || in.WaitTimeSeconds != 1 || in.VisibilityTimeout != 42 {
			t.Errorf("asked for %d messages, wait %d s, hidden %d s, want %d, 1 and 42", in.MaxNumberOfMessages, in.WaitTimeSeconds, in.VisibilityTimeout, want)
		}
	}
	s.faults.Fail("ReceiveMessage", errDown)
	if _, err := s.Receive(t.Context(), 10, 0, time.Minute); !errors.Is(err, errDown) {
		t.Errorf("error %v", err)
	}
}

var errDown = errors.New("down")

// rejecting rejects an entry of a request by its number, as often as times says.
type rejecting struct {
	queue.Receiving
	times map[int]int
	fault bool // of the sender
	calls int
}

func (r *rejecting) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	r.calls++
	out := &sqs.DeleteMessageBatchOutput{}
	for _, entry := range in.Entries {
		if i, _ := strconv.Atoi(*entry.Id); r.times[i] > 0 {
			r.times[i]--
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: entry.Id, Code: aws.String("InternalError"), SenderFault: r.fault})
		}
	}
	return out, nil
}

// An entry that SQS rejects for an error of its own is sent again: otherwise its message
// is received again.
func TestARejectedDeletionIsRepeated(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		times  map[int]int
		fault  bool
		calls  int
		failed []int
	}{
		{name: "none is rejected", calls: 2},
		{name: "once", times: map[int]int{3: 1, 11: 1}, calls: 4},
		{name: "always", times: map[int]int{3: 9}, calls: 4, failed: []int{3}},
		{name: "the handle is wrong", times: map[int]int{3: 9}, fault: true, calls: 2, failed: []int{3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &rejecting{times: tt.times, fault: tt.fault}
			var list []string
			for i := range 12 {
				list = append(list, fmt.Sprint("handle ", i))
			}
			var failed []int
			for i, err := range queue.NewSource(r, "q").Delete(t.Context(), list) {
				if err != nil {
					failed = append(failed, i)
				}
			}
			if diff := cmp.Diff(tt.failed, failed); diff != "" || r.calls != tt.calls {
				t.Errorf("%d calls, want %d; failed (-want +got):\n%s", r.calls, tt.calls, diff)
			}
		})
	}
}

func TestARequestThatFailsFailsItsMessages(t *testing.T) {
	t.Parallel()
	s := newSource(t, 0)
	s.faults.FailTimes(1, "ChangeMessageVisibilityBatch", errDown)
	list := make([]string, 12)
	for i := range list {
		list[i] = "stale"
	}
	for i, err := range s.Hide(t.Context(), list, 0) {
		if errors.Is(err, errDown) != (i < 10) || err == nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
}
