package faulttest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

var errDown = errors.New("down")

// setup returns faults, and a function that makes one call through them.
func setup(t *testing.T) (*faulttest.Faults, func() error) {
	t.Helper()
	faults, url := new(faulttest.Faults), cloudtest.Queue(t)
	client := sqs.NewFromConfig(faults.Config(cloudtest.Config(t)))
	return faults, func() error {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("body")})
		return err
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	faults, send := setup(t)
	for name, step := range map[string]struct {
		change func()
		errs   []error // of the calls that follow
	}{
		"an error":                     {func() { faults.Fail("SendMessage", errDown) }, []error{errDown, errDown}},
		"an error of another call":     {func() { faults.Fail("ReceiveMessage", errDown) }, []error{nil}},
		"no error":                     {func() { faults.Fail("SendMessage", errDown); faults.Fail("SendMessage", nil) }, []error{nil}},
		"an error twice":               {func() { faults.FailTimes(2, "SendMessage", errDown) }, []error{errDown, errDown, nil}},
		"the operation's answer first": {func() { faults.Set(pass); faults.Fail("SendMessage", errDown) }, []error{errDown}},
		"nothing after Clear":          {func() { faults.Fail("SendMessage", errDown); faults.Clear() }, []error{nil}},
	} {
		faults.Clear()
		step.change()
		for i, want := range step.errs {
			if err := send(); !errors.Is(err, want) {
				t.Errorf("%s: call %d returned %v, want %v", name, i+1, err, want)
			}
		}
	}
	if got := faults.Calls("SendMessage", "ReceiveMessage"); got != 9 {
		t.Errorf("%d calls are counted, want 9", got)
	}
}

func pass(c faulttest.Call) (any, error) { return c.Make() }

func TestOn(t *testing.T) {
	t.Parallel()
	faults, send := setup(t)
	var bodies []string
	faulttest.On(faults, func(in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
		bodies = append(bodies, *in.MessageBody)
		switch len(bodies) {
		case 1:
			return nil, nil
		case 2:
			return &sqs.SendMessageOutput{}, nil
		}
		return nil, context.DeadlineExceeded
	})
	for i, want := range []error{nil, nil, context.DeadlineExceeded} {
		if err := send(); !errors.Is(err, want) {
			t.Errorf("call %d returned %v, want %v", i+1, err, want)
		}
	}
	if len(bodies) != 3 {
		t.Errorf("%d calls were answered, want 3", len(bodies))
	}
}
