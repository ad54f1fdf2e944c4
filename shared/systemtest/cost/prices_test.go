package cost_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// Prices of us-east-1 in dollars, list, without the free tier, as of
// 2026-11-25. Who updates one updates the date, and the figures of .docs/cost.md.
const (
	pricesOf = "2026-11-25"

	// https://aws.amazon.com/sqs/pricing/ : a million requests to a standard
	// queue, and what a million of a fair queue (with a message group) cost beyond it.
	sqsRequests  = 0.40
	fairRequests = 0.10
	// https://aws.amazon.com/dynamodb/pricing/on-demand/ : a million units, and
	// a GB kept for a month (each item counts 100 bytes more than its units say).
	dynamodbWrites  = 0.625
	dynamodbReads   = 0.125
	dynamodbStorage = 0.25
	// https://aws.amazon.com/lambda/pricing/ : a million requests, and a second
	// with a GB on arm64.
	lambdaRequests = 0.20
	lambdaGBSecond = 0.0000133334
	// https://aws.amazon.com/cloudwatch/pricing/ : a GB of logs collected.
	logsGB = 0.50
	// https://aws.amazon.com/eventbridge/pricing/ : a million custom events.
	busEvents = 1.00
	// https://aws.amazon.com/ec2/pricing/on-demand/ : a GB out to the internet.
	egressGB = 0.09

	// https://aws.amazon.com/cloudwatch/pricing/ and https://aws.amazon.com/kms/pricing/ :
	// an alarm, a dashboard and a key for a month.
	alarmMonth     = 0.10
	dashboardMonth = 3.00
	keyMonth       = 1.00

	// What is free every month, for ever (https://aws.amazon.com/free/), of what an
	// idle month uses up. It stays far below a million Lambda requests, 400,000
	// GB-seconds and 5 GB of logs.
	freeSQSRequests = 1_000_000
)

// What the local cloud cannot tell, and we assume.
const (
	// awsCall is what a function waits for one call of DynamoDB or SQS.
	awsCall = 5 * time.Millisecond
	// receiverAnswer is what a receiver needs, the slowest of a batch.
	receiverAnswer = 100 * time.Millisecond
	// fanoutCalls and dispatcherCalls are made one after the other: the fanout
	// reads the index and the known events, sends, stores; the dispatcher reads
	// the webhooks, reserves log ids, writes logs.
	fanoutCalls     = 4
	dispatcherCalls = 3
	// fullProcessor is the memory, in MB, with which a function has one processor.
	fullProcessor = 1769
	// logLineOverhead is what CloudWatch adds to every line, in bytes.
	logLineOverhead = 26
)

// bill is dollars by what they are paid for.
type bill map[string]float64

// perMillion returns what a million events cost that are like those of r.
func (r result) perMillion() bill {
	scale := 1e6 / float64(r.events)
	b := r.used.price(scale)
	b["Lambda duration"] = scale * (r.fanout.gbSeconds(fanoutCalls*awsCall) + r.dispatcher.gbSeconds(dispatcherCalls*awsCall+receiverAnswer)) * lambdaGBSecond
	b["CloudWatch logs"] = scale * float64(r.logBytes()) / 1e9 * logsGB
	return b
}

// price returns the dollars for scale times what was used.
func (u usage) price(scale float64) bill {
	b := make(bill)
	for what, n := range u {
		millions := scale * n / 1e6
		switch {
		case strings.HasSuffix(what, " requests"):
			b["SQS"] += millions * sqsRequests
		case strings.HasSuffix(what, " requests of fair queues"):
			b["SQS"] += millions * fairRequests
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

// gbSeconds returns what Lambda bills: of each invocation, its processor time at
// the function's share of a processor, and its waits, in whole milliseconds.
func (u functionUse) gbSeconds(waits time.Duration) float64 {
	if u.invocations == 0 {
		return 0
	}
	return float64(u.invocations) * u.billed(waits).Seconds() * float64(u.memory) / 1024
}

// billed returns how long one invocation is.
func (u functionUse) billed(waits time.Duration) time.Duration {
	working := u.cpu / time.Duration(u.invocations) * fullProcessor / time.Duration(u.memory)
	return (waits + working + time.Millisecond - 1).Truncate(time.Millisecond)
}

func (r result) logBytes() int {
	return r.fanout.logged + r.dispatcher.logged + logLineOverhead*(r.fanout.lines+r.dispatcher.lines)
}

// print writes the lines of the bill.
func (b bill) print(t *testing.T, name string) {
	t.Helper()
	t.Log(name)
	for _, what := range slices.Sorted(maps.Keys(b)) {
		t.Logf("%-16s $%.3f", what, b[what])
	}
}

func (b bill) total() float64 {
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(b)) { // in one order, for one sum
		sum += b[name]
	}
	return sum
}
