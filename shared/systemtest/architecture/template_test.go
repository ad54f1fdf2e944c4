package architecture_test

import (
	"fmt"
	"slices"
	"testing"
)

func TestTablesOutliveTheStack(t *testing.T) {
	t.Parallel()
	for _, table := range resources(t, "AWS::DynamoDB::Table") {
		if got := text(table.body, "DeletionPolicy"); got != "RetainExceptOnCreate" {
			t.Errorf("%s: DeletionPolicy is %q, want RetainExceptOnCreate: deleting a stack must not delete customers' data, and a failed first deploy must leave nothing", table.name, got)
		}
		if got := text(table.body, "UpdateReplacePolicy"); got != "Retain" {
			t.Errorf("%s: UpdateReplacePolicy is %q, want Retain: a change of the key must not drop the data", table.name, got)
		}
		if at(table.properties, "TableName") != nil {
			t.Errorf("%s has a TableName: a retained table would block the next deploy under that name", table.name)
		}
		if got := text(table.properties, "BillingMode"); got != "PAY_PER_REQUEST" {
			t.Errorf("%s: BillingMode is %q, want PAY_PER_REQUEST: an idle month costs nothing", table.name, got)
		}
	}
}

// TestWhatCannotBeRepairedIsBackedUp: a customer's webhooks and keys exist nowhere
// else; events, logs and retries end by themselves.
func TestWhatCannotBeRepairedIsBackedUp(t *testing.T) {
	t.Parallel()
	for _, table := range resources(t, "AWS::DynamoDB::Table") {
		if at(table.properties, "TimeToLiveSpecification") != nil {
			continue
		}
		if text(table.properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != "true" {
			t.Errorf("%s has no point-in-time recovery: a mistake in a script would be for ever", table.name)
		}
		if text(table.properties, "DeletionProtectionEnabled") != "ProtectTables" {
			t.Errorf("%s can be deleted by a mistake", table.name)
		}
	}
}

// TestQueuesKeepTheirMessages also holds each pair of function and queue together.
func TestQueuesKeepTheirMessages(t *testing.T) {
	t.Parallel()
	const fourteenDays = 14 * 24 * 60 * 60
	deadLetters := make(map[string]bool)
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		if target := text(queue.properties, "RedrivePolicy", "deadLetterTargetArn"); target != "" {
			deadLetters[target] = true
		}
	}
	for _, rule := range resources(t, "AWS::Events::Rule") {
		targets, _ := rule.properties["Targets"].([]any)
		for _, target := range targets {
			letters := text(target, "DeadLetterConfig", "Arn")
			if letters == "" {
				t.Errorf("a target of %s has no DeadLetterConfig: an event that the bus cannot hand on would be dropped unseen", rule.name)
			}
			deadLetters[letters] = true
		}
	}
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		if got := number(t, 345_600, queue.properties, "MessageRetentionPeriod"); got != fourteenDays {
			t.Errorf("%s keeps messages for %d s, want %d: accepted means that somebody can still find it after a long weekend", queue.name, got, fourteenDays)
		}
		if !deadLetters[queue.name] && at(queue.properties, "RedrivePolicy") == nil {
			t.Errorf("%s has no RedrivePolicy: a message that crashes its function would be received until it expires", queue.name)
		}
	}
}

func TestQueueMappingsLoseNothing(t *testing.T) {
	t.Parallel()
	queues := make(map[string]resource)
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		queues[queue.name] = queue
	}
	mappings := 0
	for _, f := range functions(t) {
		events, _ := f.properties["Events"].(map[string]any)
		for name, event := range events {
			if text(event, "Type") != "SQS" {
				continue
			}
			mappings++
			mapping := fmt.Sprintf("mapping %s of %s", name, f.name)
			types, _ := at(event, "Properties", "FunctionResponseTypes").([]any)
			if !slices.Contains(types, any("ReportBatchItemFailures")) {
				t.Errorf("%s does not report batch item failures: one failed message would repeat its whole batch", mapping)
			}
			if at(event, "Properties", "ScalingConfig", "MaximumConcurrency") == nil {
				t.Errorf("%s has no MaximumConcurrency: one queue could take the account's whole concurrency", mapping)
			}
			queue, known := queues[text(event, "Properties", "Queue")]
			if !known {
				t.Errorf("%s reads a queue that the template does not have", mapping)
				continue
			}
			timeout := number(t, 10, f.properties, "Timeout") // 10 is that of Globals
			if got := number(t, 30, queue.properties, "VisibilityTimeout"); got != 6*timeout {
				t.Errorf("%s: VisibilityTimeout of %s is %d s, want 6 × the function's timeout of %d s: throttled invocations are retried before a message is seen twice", mapping, queue.name, got, timeout)
			}
			limit := number(t, -1, queue.properties, "RedrivePolicy", "maxReceiveCount")
			if got := number(t, 0, f.properties, "Environment", "Variables", "MAX_RECEIVE_COUNT"); got != limit {
				t.Errorf("%s: MAX_RECEIVE_COUNT is %d and the queue's maxReceiveCount %d: the function must know when a message comes for nearly the last time", mapping, got, limit)
			}
		}
	}
	if mappings < 2 {
		t.Errorf("the template has %d SQS mappings, want those of fanout and dispatcher", mappings)
	}
}

// TestNoTickComesTwice: a schedule invokes asynchronously, so Lambda would repeat a
// run that failed twice beside the next ticks, and keep those that it throttled
// for six hours to run them all together; EventBridge keeps for a day what it could
// not hand over. The next tick is the repetition.
func TestNoTickComesTwice(t *testing.T) {
	t.Parallel()
	ticks := 0
	for _, f := range functions(t) {
		events, _ := f.properties["Events"].(map[string]any)
		for name, event := range events {
			if text(event, "Type") != "Schedule" {
				continue
			}
			ticks++
			if got := text(event, "Properties", "Schedule"); got != "rate(1 minute)" {
				t.Errorf("%s of %s runs at %q: this test knows how long a tick of a minute may wait", name, f.name, got)
			}
			for keeper, settings := range map[string]any{
				"Lambda (EventInvokeConfig)": f.properties["EventInvokeConfig"], "EventBridge (RetryPolicy)": at(event, "Properties", "RetryPolicy"),
			} {
				if got := number(t, 2, settings, "MaximumRetryAttempts"); got != 0 {
					t.Errorf("%s of %s: %s repeats a tick %d times, want 0", name, f.name, keeper, got)
				}
				if got := number(t, 21_600, settings, "MaximumEventAgeInSeconds"); got != 60 {
					t.Errorf("%s of %s: %s keeps a tick for %d s, want 60: by then the next one is there", name, f.name, keeper, got)
				}
			}
		}
	}
	if ticks == 0 {
		t.Error("the template has no schedule, want that of the retrier")
	}
}

// TestTheTestRouteHasALimitOfItsOwn: an invocation that waits for a customer's
// receiver is the one thing that a caller can hold on to.
func TestTheTestRouteHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, api := range resources(t, "AWS::Serverless::HttpApi") {
		settings := at(api.properties, "RouteSettings", "POST /api/v1/webhooks/{webhook_id}/test")
		const waits, ordinary = 15, 1000 // seconds, and the concurrency of an ordinary account
		if rate := number(t, ordinary, settings, "ThrottlingRateLimit"); rate*waits > ordinary/2 {
			t.Errorf("%s takes %d tests a second: at %d s each they would hold half of an account's concurrency", api.name, rate, waits)
		}
	}
}
