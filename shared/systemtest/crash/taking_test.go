package crash_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/testkit/faulttest"
)

// takenMessage is a message that the current invocation took itself.
type takenMessage struct {
	*message
	queue string
}

// taking returns c, but the walk is the queue from which the dispatcher takes messages: it
// holds all of them, and has its own clock.
func (w *walk) taking(c faulttest.Call) faulttest.Call {
	switch in := c.Input.(type) {
	case *sqs.ReceiveMessageInput:
		return c.By(func() (any, error) { return w.receive(in), nil })
	case *sqs.DeleteMessageBatchInput:
		return c.By(func() (any, error) {
			out := new(sqs.DeleteMessageBatchOutput)
			for _, entry := range in.Entries {
				w.changeTaken(*entry.ReceiptHandle, nil)
				out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: entry.Id})
			}
			return out, nil
		})
	case *sqs.ChangeMessageVisibilityBatchInput:
		return c.By(func() (any, error) {
			out := new(sqs.ChangeMessageVisibilityBatchOutput)
			for _, entry := range in.Entries {
				w.changeTaken(*entry.ReceiptHandle, &entry.VisibilityTimeout)
				out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: entry.Id})
			}
			return out, nil
		})
	}
	return c
}

// receive takes visible messages out of a queue of deliveries. They are visible again
// after the timeout that the call asks for.
func (w *walk) receive(in *sqs.ReceiveMessageInput) *sqs.ReceiveMessageOutput {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := deliveriesQueue
	if *in.QueueUrl == w.names.slow {
		queue = slowQueue
	}
	out := new(sqs.ReceiveMessageOutput)
	w.waiting[queue] = slices.DeleteFunc(w.waiting[queue], func(m *message) bool {
		if m.visibleAt.After(w.now) || len(out.Messages) == int(in.MaxNumberOfMessages) {
			return false
		}
		m.receives++
		m.visibleAt = w.now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
		handle := fmt.Sprintf("%s, received %d times", m.id, m.receives)
		w.taken[handle] = &takenMessage{m, queue}
		w.took++
		out.Messages = append(out.Messages, types.Message{
			MessageId: &m.id, ReceiptHandle: &handle, Body: aws.String(m.body), Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(m.sentAt.UnixMilli(), 10),
			},
		})
		return true
	})
	return out
}

// changeTaken deletes a taken message, or hides it for some seconds.
func (w *walk) changeTaken(handle string, seconds *int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.taken[handle]
	switch {
	case m == nil: // AWS accepts a stale handle
	case seconds == nil:
		delete(w.taken, handle)
	default:
		m.visibleAt = w.now.Add(time.Duration(*seconds) * time.Second)
	}
}

// returnTaken puts the messages that the invocation took and did not delete back into
// their queues.
func (w *walk) returnTaken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.taken {
		w.waiting[m.queue] = append(w.waiting[m.queue], m.message)
	}
	clear(w.taken)
}

// signal is given once.
type signal struct {
	once  sync.Once
	given chan struct{}
}

func newSignal() *signal { return &signal{given: make(chan struct{})} }

func (s *signal) give() { s.once.Do(func() { close(s.given) }) }

// wait returns when s is given or ctx ends.
func (s *signal) wait(ctx context.Context) {
	select {
	case <-s.given:
	case <-ctx.Done():
	}
}

// takingWorld returns a world with a receiver that answers slowly, and batches of one
// message: the dispatcher takes the others itself.
func takingWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, maxReceives, shortLag)
	w.batchSize, w.slowly = 1, true
	return w
}

// TestCrashWhileTaking does the same as TestCrashAtEveryCall in a taking world: the calls
// for taken messages fail in every way.
func TestCrashWhileTaking(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		f.only, f.maxRepeats, f.why = dispatcherName, allRequests, takenAgain
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			walks(t, f, takingWorld(t), stride(f.stride))
		})
	}
}

const takenAgain = "what was taken and not deleted is received again"

// TestCrashAtEveryCallThatTakes lets one call fail that takes or deletes messages, and
// nothing else. A walk makes few of these calls, so the strides of TestCrashWhileTaking
// miss most of them.
func TestCrashAtEveryCallThatTakes(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		f.only, f.maxRepeats, f.why = dispatcherName, allRequests, takenAgain
		for _, operation := range []string{"ReceiveMessage", "DeleteMessageBatch"} {
			if !f.applies(faulttest.Call{Operation: operation}) {
				continue
			}
			of := f
			of.applies = func(c faulttest.Call) bool { return c.Operation == operation }
			t.Run(operation+" "+f.name, func(t *testing.T) {
				t.Parallel()
				failOnce(t, of, takingWorld(t), operation)
			})
		}
	}
}

// failOnce runs walks in which call n fails, for n from 1, until that call is operation:
// with a crash, the responses to Lambda are calls too.
func failOnce(t *testing.T, f failure, world *world, operation string) {
	t.Helper()
	tenant, r := world.newTenant(t)
	for n := 1; ; n++ {
		w := (&walk{failure: f, number: n}).run(t, world, tenant, r)
		w.check(r, tenant)
		if len(w.failed) == 0 {
			t.Fatalf("no %s failed in %d walks", operation, n)
		}
		if strings.Contains(w.failed[0], operation) {
			return
		}
	}
}
