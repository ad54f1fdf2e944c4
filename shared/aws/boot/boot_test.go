package boot_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/boot"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// echo reports every message as failed, by its id and SentTimestamp.
func echo(_ context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, record := range batch.Records {
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId + record.Attributes["SentTimestamp"]})
	}
	return response, nil
}

func TestInvokeDecodesABatch(t *testing.T) {
	t.Parallel()
	got, err := boot.SQSFunction(echo).Invoke(t.Context(), cloudtest.Event(t, "dispatcher.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"batchItemFailures":[{"itemIdentifier":"c80e8021-a70a-42c7-a470-796e1186f7531769421600007"}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

// The local cloud treats a null list as a failed batch.
func TestInvokeReturnsAnEmptyList(t *testing.T) {
	t.Parallel()
	got, err := boot.SQSFunction(echo).Invoke(t.Context(), []byte(`{"Records":[]}`))
	if want := `{"batchItemFailures":[]}`; err != nil || string(got) != want {
		t.Errorf("response %s, %v, want %s", got, err, want)
	}
}

func TestInvokeReturnsErrors(t *testing.T) {
	t.Parallel()
	failing := func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
		return events.SQSEventResponse{}, errors.New("broken")
	}
	if _, err := boot.SQSFunction(failing).Invoke(t.Context(), []byte(`{}`)); err == nil || err.Error() != "broken" {
		t.Errorf("error %v, want that of the function", err)
	}
	if _, err := boot.SQSFunction(echo).Invoke(t.Context(), []byte(`[]`)); err == nil {
		t.Error("a payload that is not a batch is accepted")
	}
}

func BenchmarkInvoke(b *testing.B) {
	var bodies []string
	for n := range 10 {
		bodies = append(bodies, lambdatest.NewEvent("acme", n, 4<<10).Message())
	}
	payload := lambdatest.Batch(b, bodies)
	f := boot.SQSFunction(func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
		return events.SQSEventResponse{}, nil
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}
