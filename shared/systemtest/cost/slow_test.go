package cost_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// slow is a scenario with a receiver that takes its time. An invocation waits for it, and
// takes more messages meanwhile.
type slow struct {
	name    string
	figure  string
	takes   time.Duration
	events  int
	atATime int // how many events are published together, when those before are delivered
}

// TestBilledSlowReceivers counts what an event costs whose receiver keeps an invocation
// waiting: on a quiet stack, where each event has an invocation of its own, and in a wave.
// Lambda bills the time during which at least one request is under way.
func TestBilledSlowReceivers(t *testing.T) {
	t.Parallel()
	built := build(t)
	for _, sc := range []slow{
		{name: "a receiver that takes 600 ms, event by event", figure: "usd_per_million_events_600ms_quiet", takes: 600 * time.Millisecond, events: 20, atATime: 1},
		{name: "a receiver that takes 600 ms, 100 events at once", figure: "usd_per_million_events_600ms_wave", takes: 600 * time.Millisecond, events: 100, atATime: 100},
		{name: "a receiver that takes 14 s, 100 events at once", figure: "usd_per_million_events_14s_wave", takes: 14 * time.Second, events: 100, atATime: 100},
	} {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			r := sc.run(t, built)
			report(t, sc.name, r)
			most := float64(r.dispatcher.invocations) + receiverBusy(r).Seconds()
			if got := r.used["DeliveriesQueue"+polls] + r.used["SlowQueue"+polls]; got > most {
				t.Errorf("%v polls, want at most one for each invocation and each second of waiting, %.1f", got, most)
			}
			for _, queue := range []string{"DeliveriesQueue", "SlowQueue"} {
				t.Logf("%s: %v requests and %v polls for %v invocations", queue, r.used[queue+" requests"], r.used[queue+polls], r.dispatcher.invocations)
			}
			if os.Getenv(envRecord) != "" {
				cloudtest.Record(t, "cost.json", map[string]float64{sc.figure: r.perMillion().total()})
			}
		})
	}
}

// receiverBusy returns how long the invocations of r waited for receivers.
func receiverBusy(r result) time.Duration {
	return r.answer * time.Duration(r.dispatcher.invocations)
}

func (sc slow) run(t *testing.T, built binaries) result {
	t.Helper()
	stack := lambdatest.NewStack(t, map[string]string{"LocalReceivers": "true"})
	receiver := newReceiver(t, 0, sc.takes)
	all := scenario{name: sc.name, events: sc.events, tenants: 1, webhooks: 1}
	all.register(t, stack, receiver.url)
	m := newMeter(t, stack)
	own := map[string]string{"AWS_ENDPOINT_URL": m.url}
	fanout := lambdatest.Start(t, built.fanout, stack.Variables("FanoutFunction", own))
	dispatcher := lambdatest.Start(t, built.dispatcher, stack.Variables("DispatcherFunction", own))

	r := result{events: sc.events, deliveries: sc.events}
	r.fanout.memory, r.dispatcher.memory = stack.Memory("FanoutFunction"), stack.Memory("DispatcherFunction")
	messages := all.messages(m)
	for len(messages) > 0 {
		r.fanout.add(drive(t, m, fanout, stack, "FanoutFunction", "EventsQueue", messages[:sc.atATime]))
		messages = messages[sc.atATime:]
		before, printed := dispatcher.CPU(), dispatcher.Logged()
		for deliver(t, m, dispatcher, stack, "DeliveriesQueue") || deliver(t, m, dispatcher, stack, "SlowQueue") {
			r.dispatcher.invocations++
		}
		log := strings.TrimPrefix(dispatcher.Logged(), printed)
		r.dispatcher.add(functionUse{cpu: dispatcher.CPU() - before, logged: len(log), lines: strings.Count(log, "\n")})
	}
	if got := receiver.served; got != sc.events {
		t.Errorf("the receiver got %d requests, want %d", got, sc.events)
	}
	r.answer = receiver.busy / time.Duration(r.dispatcher.invocations)
	r.finish(m, receiver)
	return r
}

// deliver receives a batch of messages, as an event source mapping does, invokes f with it
// and deletes it. It returns false if the queue is empty. It counts the mapping's
// requests: one ReceiveMessage and one DeleteMessageBatch. What f takes itself, the meter
// counts.
func deliver(t *testing.T, m *meter, f *lambdatest.Function, stack *lambdatest.Stack, queue string) bool {
	t.Helper()
	client, url := sqs.NewFromConfig(cloudtest.Config(t)), stack.Ref(queue)
	received, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: batchSize})
	if err != nil {
		t.Fatal(err)
	}
	if len(received.Messages) == 0 {
		return false
	}
	var bodies []string
	for _, message := range received.Messages {
		bodies = append(bodies, *message.Body)
	}
	m.countQueue(queue, units(len(strings.Join(bodies, "")), sqsRequest)+1, true)
	answer := f.Invoke(lambdatest.BatchOf(t, stack.QueueARN(queue), bodies))
	if want := `{"batchItemFailures":[]}`; strings.TrimSpace(string(answer)) != want {
		t.Fatalf("the dispatcher answered %s, want %s", answer, want)
	}
	for _, message := range received.Messages {
		if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: message.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return true
}
