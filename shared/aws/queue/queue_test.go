package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/queue"
)

// stub records the requests. answer returns the response to each.
type stub struct {
	mu       sync.Mutex
	requests []*sqs.SendMessageBatchInput
	answer   func(call int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
}

func (s *stub) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, in)
	if s.answer != nil {
		return s.answer(len(s.requests), in)
	}
	return accept(in, nil), nil
}

// accept accepts every entry except those in refused, which says whether each is
// the sender's fault.
func accept(in *sqs.SendMessageBatchInput, refused map[string]bool) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if senderFault, ok := refused[*e.Id]; ok {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("X"), SenderFault: senderFault})
		} else {
			out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
		}
	}
	return out
}

func bodies(n, size int) []queue.Message {
	messages := make([]queue.Message, n)
	for i := range messages {
		messages[i].Body = strings.Repeat("x", size)
	}
	return messages
}

func TestSendPacks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		messages []queue.Message
		want     int
	}{
		{name: "nothing", messages: nil, want: 0},
		{name: "one", messages: bodies(1, 10), want: 1},
		{name: "ten", messages: bodies(10, 10), want: 1},
		{name: "eleven", messages: bodies(11, 10), want: 2},
		{name: "four of 256 KiB", messages: bodies(4, 256<<10), want: 1},
		{name: "five of 256 KiB", messages: bodies(5, 256<<10), want: 2},
		{name: "attributes count", messages: []queue.Message{{Body: strings.Repeat("x", 1<<20-8)}, {Attributes: map[string]string{"a": "bc"}}}, want: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{}
			if err := errors.Join(queue.New(s, "q").Send(t.Context(), tt.messages)...); err != nil {
				t.Fatal(err)
			}
			if len(s.requests) != tt.want {
				t.Errorf("%d requests, want %d", len(s.requests), tt.want)
			}
		})
	}
}

func TestSendEntry(t *testing.T) {
	t.Parallel()
	s := &stub{}
	queue.New(s, "https://q").Send(t.Context(), []queue.Message{
		{Body: "a", Delay: 4001 * time.Millisecond, Group: "acme", Attributes: map[string]string{"reason": "x"}},
		{Body: "b", Delay: -time.Second},
		{Body: "c", Delay: time.Hour},
	})
	var got []string
	for _, e := range s.requests[0].Entries {
		got = append(got, fmt.Sprint(*e.MessageBody, " ", e.DelaySeconds, " ", aws.ToString(e.MessageGroupId), " ", len(e.MessageAttributes)))
	}
	if diff := cmp.Diff([]string{"a 5 acme 1", "b 0  0", "c 900  0"}, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestSendRetries(t *testing.T) {
	t.Parallel()
	t.Run("an entry that fails with an error of SQS is retried alone", func(t *testing.T) {
		t.Parallel()
		s := &stub{answer: func(call int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			if call == 1 {
				return accept(in, map[string]bool{"1": false}), nil
			}
			return accept(in, nil), nil
		}}
		if err := errors.Join(queue.New(s, "q").Send(t.Context(), bodies(3, 1))...); err != nil {
			t.Fatal(err)
		}
		if len(s.requests) != 2 || len(s.requests[1].Entries) != 1 || *s.requests[1].Entries[0].Id != "1" {
			t.Errorf("requests = %v", s.requests)
		}
	})
	t.Run("an entry that fails with an error of the sender is not retried", func(t *testing.T) {
		t.Parallel()
		s := &stub{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return accept(in, map[string]bool{"0": true}), nil
		}}
		failures := queue.New(s, "q").Send(t.Context(), bodies(2, 1))
		if failures[0] == nil || failures[1] != nil || len(s.requests) != 1 {
			t.Errorf("failures = %v after %d requests", failures, len(s.requests))
		}
	})
	t.Run("an entry is tried three times", func(t *testing.T) {
		t.Parallel()
		s := &stub{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return accept(in, map[string]bool{"0": false}), nil
		}}
		if failures := queue.New(s, "q").Send(t.Context(), bodies(1, 1)); failures[0] == nil || len(s.requests) != 3 {
			t.Errorf("failures = %v after %d requests", failures, len(s.requests))
		}
	})
	t.Run("a failed request fails only its own messages", func(t *testing.T) {
		t.Parallel()
		down := errors.New("down")
		s := &stub{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			if *in.Entries[0].Id == "0" {
				return nil, down
			}
			return accept(in, nil), nil
		}}
		failures := queue.New(s, "q").Send(t.Context(), bodies(11, 1))
		if !errors.Is(failures[0], down) || !errors.Is(failures[9], down) || failures[10] != nil {
			t.Errorf("failures = %v", failures)
		}
	})
	t.Run("a message that SQS does not take fails alone", func(t *testing.T) {
		t.Parallel()
		for _, refusal := range []error{
			&types.BatchRequestTooLong{}, &types.InvalidMessageContents{}, &types.InvalidAttributeValue{},
			&smithy.GenericAPIError{Code: "InvalidParameterValue"},
		} {
			s := &stub{answer: func(_ int, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
				for _, e := range in.Entries {
					if *e.Id == "1" {
						return nil, refusal
					}
				}
				return accept(in, nil), nil
			}}
			failures := queue.New(s, "q").Send(t.Context(), bodies(3, 1))
			if failures[0] != nil || !errors.Is(failures[1], refusal) || failures[2] != nil {
				t.Errorf("%v: failures = %v", refusal, failures)
			}
		}
	})
	t.Run("an entry that the response does not name has failed", func(t *testing.T) {
		t.Parallel()
		s := &stub{answer: func(int, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			return &sqs.SendMessageBatchOutput{}, nil
		}}
		if failures := queue.New(s, "q").Send(t.Context(), bodies(1, 1)); failures[0] == nil {
			t.Error("Send returned no error")
		}
	})
}
