package inbound_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery/inbound"
)

var errOurs = errors.New("our own error")

var refusal = deadletter.Refusal{Reason: deadletter.Unreadable, Detail: "it is not a message"}

// job is a consumer's own type.
type job struct{ inbound.Message }

// received returns the message id on its n-th receive.
func received(id, n string) *job {
	return &job{inbound.Message{Record: events.SQSMessage{
		MessageId: id, Body: `{"id":"e1","is":"body of ` + id + `"}`, Attributes: map[string]string{"ApproximateReceiveCount": n},
	}}}
}

// queueFunc is a queue.
type queueFunc func([]queue.Message) []error

func (f queueFunc) Send(_ context.Context, messages []queue.Message) []error { return f(messages) }

func consumer(log *bytes.Buffer, deadLetters inbound.Queue) inbound.Consumer {
	return inbound.Consumer{Log: slog.New(slog.NewJSONHandler(log, nil)), DeadLetters: deadLetters, MaxReceiveCount: 50}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		receives   string
		err        error
		panics     bool
		wantReason deadletter.Reason
		wantErr    bool
	}{
		{name: "a good message", receives: "1"},
		{name: "a refused message", receives: "1", err: &refusal, wantReason: deadletter.Unreadable},
		{name: "our own error", receives: "1", err: errOurs, wantErr: true},
		{name: "a panic", receives: "1", panics: true, wantErr: true},
		{name: "two receives before the last", receives: "48"},
		{name: "the receive before the last", receives: "49", wantReason: deadletter.TooManyReceives},
		{name: "the last receive", receives: "50", wantReason: deadletter.TooManyReceives},
		{name: "a receive after the last", receives: "51", wantReason: deadletter.TooManyReceives},
		{name: "a refused message keeps its own reason", receives: "50", err: &refusal, wantReason: deadletter.Unreadable},
		{name: "our own error on the last receive", receives: "50", err: errOurs, wantReason: deadletter.TooManyReceives},
		{name: "a panic on the last receive", receives: "50", panics: true, wantReason: deadletter.TooManyReceives},
		{name: "no receive count", receives: "", wantErr: true},
		{name: "a receive count that is not a number", receives: "many", wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log, j := new(bytes.Buffer), received("m1", tt.receives)
			consumer(log, nil).Decode(t.Context(), &j.Message, func() (deadletter.Subject, error) {
				if tt.panics {
					panic("boom")
				}
				return deadletter.Subject{EventID: "e1"}, tt.err
			})
			if (j.Err != nil) != tt.wantErr || j.Open() != (!tt.wantErr && tt.wantReason == "") {
				t.Errorf("error = %v, open = %t", j.Err, j.Open())
			}
			var got deadletter.Letter
			if j.Letter != nil {
				got = *j.Letter
			}
			if got.Reason != tt.wantReason || tt.wantReason != "" && (got.Body != j.Record.Body || got.MessageID != "m1" || !strings.Contains(got.Detail, " ")) {
				t.Errorf("letter = %+v, want the body, the message id and the reason %q", got, tt.wantReason)
			}
			if j.Subject.EventID != "e1" {
				t.Errorf("subject = %+v, want that of the body", j.Subject)
			}
			if named := strings.Contains(log.String(), "boom") && strings.Contains(log.String(), `"m1"`); named != tt.panics {
				t.Errorf("log = %s, want the panic and the message id: %t", log, tt.panics)
			}
		})
	}
}

// A queue that allows one or two receives still gives each message one try.
func TestDecodeTriesEveryMessageOnce(t *testing.T) {
	t.Parallel()
	for _, maxReceiveCount := range []int{1, 2} {
		for receives, want := range map[string]bool{"1": true, "2": false} {
			j := received("m1", receives)
			inbound.Consumer{MaxReceiveCount: maxReceiveCount}.Decode(t.Context(), &j.Message, func() (deadletter.Subject, error) { return deadletter.Subject{EventID: "e1"}, nil })
			if j.Open() != want {
				t.Errorf("receive %s of %d: open = %t, want %t", receives, maxReceiveCount, j.Open(), want)
			}
		}
	}
}

func TestSendLettersAndResponse(t *testing.T) {
	t.Parallel()
	good, failed, refused, unsent := received("good", "1"), received("failed", "1"), received("refused", "1"), received("unsent", "1")
	failed.Err = errOurs
	refused.Refuse(refusal)
	unsent.Refuse(refusal)
	both := received("both", "1")
	both.Refuse(refusal)
	both.Err = errOurs
	batch := []*job{good, failed, refused, unsent, both}
	var sent []string
	c := consumer(new(bytes.Buffer), queueFunc(func(messages []queue.Message) []error {
		failures := make([]error, len(messages))
		for i, m := range messages {
			sent = append(sent, m.Body+" "+m.Attributes["reason"]+" "+m.Attributes["message_id"])
			if strings.Contains(m.Body, "unsent") {
				failures[i] = errOurs
			}
		}
		return failures
	}))
	inbound.SendLetters(t.Context(), c, batch)
	if diff := cmp.Diff([]string{refused.Record.Body + " unreadable refused", unsent.Record.Body + " unreadable unsent"}, sent); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
	var failures []string
	for _, failure := range inbound.Response(batch).BatchItemFailures {
		failures = append(failures, failure.ItemIdentifier)
	}
	if diff := cmp.Diff([]string{"failed", "unsent", "both"}, failures); diff != "" {
		t.Errorf("batch item failures (-want +got):\n%s", diff)
	}
	if got := inbound.Response([]*job{good}).BatchItemFailures; got == nil || len(got) > 0 {
		t.Errorf("failures = %#v, want an empty list that is not nil", got)
	}
}

func TestSendLettersWithoutLetters(t *testing.T) {
	t.Parallel()
	inbound.SendLetters(t.Context(), inbound.Consumer{}, []*job{received("good", "1")}) // would panic without a queue
}

func TestOutboxHandsEachOwnerItsError(t *testing.T) {
	t.Parallel()
	post := func(send func(context.Context, []int) []error) []string {
		var box inbound.Outbox[string, int]
		box.Add("a", 1)
		box.Add("b", 2)
		box.Add("a", 3)
		var got []string
		box.Post(t.Context(), consumer(new(bytes.Buffer), nil), "sending", send, func(owner string, err error) {
			got = append(got, fmt.Sprint(owner, " ", err))
		})
		return got
	}
	got := post(func(_ context.Context, items []int) []error {
		if !slices.Equal(items, []int{1, 2, 3}) {
			t.Errorf("items = %v", items)
		}
		return []error{nil, errOurs, nil}
	})
	if diff := cmp.Diff([]string{"a <nil>", "b our own error", "a <nil>"}, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	got = post(func(context.Context, []int) []error { panic("boom") })
	const panicked = "panic while sending: boom"
	if diff := cmp.Diff([]string{"a " + panicked, "b " + panicked, "a " + panicked}, got); diff != "" {
		t.Errorf("errors after a panic (-want +got):\n%s", diff)
	}
	for _, returned := range [][]error{nil, {nil, nil}} {
		for i, line := range post(func(context.Context, []int) []error { return returned }) {
			if strings.Contains(line, "<nil>") {
				t.Errorf("item %d of 3 succeeded although send returned %d errors: %s", i, len(returned), line)
			}
		}
	}
	var empty inbound.Outbox[string, int]
	empty.Post(t.Context(), inbound.Consumer{}, "sending", nil, nil) // would panic if it called send
}
