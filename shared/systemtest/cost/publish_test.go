package cost_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// apiRequests is the price of a million requests to an HTTP API:
// https://aws.amazon.com/api-gateway/pricing/
const apiRequests = 1.00

// TestPublishRequest counts what a request to publish costs until its events are
// queued. The limit of the tenant takes one write unit a request, whatever its size.
func TestPublishRequest(t *testing.T) {
	t.Parallel()
	binary := lambdatest.Binary(t, "publish-events")
	for n, want := range map[int]usage{
		1:   {"EventsTable read units": 1, "EventsTable write units": 1, "EventsQueue requests": 1, "EventsQueue requests of fair queues": 1},
		100: {"EventsTable read units": 100, "EventsTable write units": 1, "EventsQueue requests": 10, "EventsQueue requests of fair queues": 10},
	} {
		t.Run(fmt.Sprintf("%d events", n), func(t *testing.T) {
			t.Parallel()
			stack := lambdatest.NewStack(t, map[string]string{"LocalReceivers": "true"})
			m := newMeter(t, stack)
			publish := lambdatest.Start(t, binary, stack.Variables("PublishEventsFunction", map[string]string{"AWS_ENDPOINT_URL": m.url}))
			request, list := cloudtest.Request(t, "publish-events.json"), []string(nil)
			for i := range n {
				list = append(list, fmt.Sprintf(`{"id":"event-%d","type":"alert.resolved","data":%q}`, i, strings.Repeat("x", eventSize)))
			}
			request.Body = `{"events":[` + strings.Join(list, ",") + `]}`
			request.Headers["content-length"] = strconv.Itoa(len(request.Body))
			payload, err := json.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			before := publish.CPU()
			var answer events.APIGatewayV2HTTPResponse
			if err := json.Unmarshal(publish.Invoke(payload), &answer); err != nil || answer.StatusCode != 202 {
				t.Fatalf("the response is %d %s, %v", answer.StatusCode, answer.Body, err)
			}
			used := m.total()
			if diff := cmp.Diff(want, used); diff != "" {
				t.Errorf("a request with %d events is billed differently (-want +got):\n%s", n, diff)
			}
			used["publish-events invocations"] = 1
			log := publish.Logged()
			use := functionUse{memory: stack.Memory("PublishEventsFunction"), invocations: 1, cpu: publish.CPU() - before, logged: len(log), lines: strings.Count(log, "\n")}
			b := used.price(1e6)
			b["API Gateway"] = apiRequests
			b["Lambda duration"] = 1e6 * use.gbSeconds(3*awsCall) * lambdaGBSecond // the limit, the look-up and the queue
			b["CloudWatch logs"] = float64(use.logged+logLineOverhead*use.lines) / 1e3 * logsGB
			b.print(t, fmt.Sprintf("a million requests with %d events of 1 KiB", n))
			t.Logf("%-16s $%.2f", "total", b.total())
		})
	}
}
