package cost_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// List prices of us-east-1 in dollars, without the free tier, as of pricesOf. When
// you update a price, update the date and the figures of .docs/cost.md.
const (
	pricesOf = "2026-11-25"

	// https://aws.amazon.com/sqs/pricing/ : a million requests to a standard
	// queue, and the surcharge for a fair queue (messages with a group).
	sqsRequests  = 0.40
	fairRequests = 0.10
	// https://aws.amazon.com/dynamodb/pricing/on-demand/ : a million units, and
	// a GB for a month (storage counts 100 bytes per item more than units do).
	dynamodbWrites  = 0.625
	dynamodbReads   = 0.125
	dynamodbStorage = 0.25
	// https://aws.amazon.com/lambda/pricing/ : a million requests, and a
	// GB-second on arm64.
	lambdaRequests = 0.20
	lambdaGBSecond = 0.0000133334
	// https://aws.amazon.com/cloudwatch/pricing/ : a GB of ingested logs.
	logsGB = 0.50
	// https://aws.amazon.com/eventbridge/pricing/ : a million custom events.
	busEvents = 1.00
	// https://aws.amazon.com/ec2/pricing/on-demand/ : a GB of data transfer to the internet.
	egressGB = 0.09

	// https://aws.amazon.com/cloudwatch/pricing/ and https://aws.amazon.com/kms/pricing/ :
	// an alarm on one metric, a dashboard and a key for a month.
	alarmMonth     = 0.10
	dashboardMonth = 3.00
	keyMonth       = 1.00

	// The permanent free tier of a month (https://aws.amazon.com/free/) that an idle
	// month exceeds. An idle month stays far below a million Lambda requests, 400,000
	// GB-seconds and 5 GB of logs.
	freeSQSRequests = 1_000_000
)

// Assumptions, because the local cloud cannot measure them.
const (
	// awsCall is the duration of a call to DynamoDB or SQS.
	awsCall = 5 * time.Millisecond
	// receiverAnswer is the response time of the slowest receiver of a batch, where the
	// scenario does not say how long its receiver takes.
	receiverAnswer = 100 * time.Millisecond
	// fanoutCalls and dispatcherCalls are the numbers of successive calls for a
	// batch. The fanout reads the index together with the known events, sends and
	// stores. The dispatcher reads the webhooks, reserves log ids and writes logs.
	fanoutCalls     = 3
	dispatcherCalls = 3
	// fullProcessor is the memory in MB that gives a function one vCPU.
	fullProcessor = 1769
	// logLineOverhead is the number of bytes that CloudWatch adds to every line.
	logLineOverhead = 26
)

// bill holds dollars by what AWS charges them for.
type bill map[string]float64

// perMillion returns the bill of a million events like those of r.
func (r result) perMillion() bill {
	scale := 1e6 / float64(r.events)
	b := r.used.price(scale)
	b["Lambda duration"] = scale * (r.fanout.gbSeconds(fanoutCalls*awsCall) + r.dispatcher.gbSeconds(dispatcherCalls*awsCall+r.answer)) * lambdaGBSecond
	b["CloudWatch logs"] = scale * float64(r.logBytes()) / 1e9 * logsGB
	return b
}

// price returns the bill for scale times the usage.
func (u usage) price(scale float64) bill {
	b := make(bill)
	for what, n := range u {
		millions := scale * n / 1e6
		switch {
		case strings.HasSuffix(what, " requests"):
			b["SQS"] += millions * sqsRequests
		case strings.HasSuffix(what, " requests of fair queues"):
			b["SQS"] += millions * fairRequests
		case strings.HasSuffix(what, polls):
			b["SQS"] += millions * (sqsRequests + fairRequests) // only fair queues are polled
		case strings.HasSuffix(what, " write units"):
			b["DynamoDB writes"] += millions * dynamodbWrites
		case strings.HasSuffix(what, " read units"):
			b["DynamoDB reads"] += millions * dynamodbReads
		case strings.HasSuffix(what, " invocations"):
			b["Lambda requests"] += millions * lambdaRequests
		case what == busPuts:
			b["EventBridge"] += millions * busEvents
		}
	}
	return b
}

// gbSeconds returns the GB-seconds that Lambda bills for all invocations, each of
// which spends the time waits waiting.
func (u functionUse) gbSeconds(waits time.Duration) float64 {
	if u.invocations == 0 {
		return 0
	}
	return float64(u.invocations) * u.billed(waits).Seconds() * float64(u.memory) / 1024
}

// billed returns the billed duration of one invocation in whole milliseconds: its
// waits, and its processor time at the function's share of a vCPU.
func (u functionUse) billed(waits time.Duration) time.Duration {
	working := u.cpu / time.Duration(u.invocations) * fullProcessor / time.Duration(u.memory)
	return (waits + working + time.Millisecond - 1).Truncate(time.Millisecond)
}

func (r result) logBytes() int {
	return r.fanout.logged + r.dispatcher.logged + logLineOverhead*(r.fanout.lines+r.dispatcher.lines)
}

// print logs the lines of the bill.
func (b bill) print(t *testing.T, name string) {
	t.Helper()
	t.Log(name)
	for _, what := range slices.Sorted(maps.Keys(b)) {
		t.Logf("%-16s $%.3f", what, b[what])
	}
}

func (b bill) total() float64 {
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(b)) { // a fixed order gives the same sum every time
		sum += b[name]
	}
	return sum
}
