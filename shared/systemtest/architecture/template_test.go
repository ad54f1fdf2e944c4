package architecture_test

import (
	"fmt"
	"slices"
	"testing"

	"webhooks/shared/webhook"
)

// TestDataOutlivesTheStack checks the properties that keep customers' data, accepted
// events and dead letters, and the key of the secrets.
func TestDataOutlivesTheStack(t *testing.T) {
	t.Parallel()
	names := map[string]string{"AWS::DynamoDB::Table": "TableName", "AWS::SQS::Queue": "QueueName", "AWS::KMS::Key": ""}
	for kind, name := range names {
		for _, r := range resources(t, kind) {
			// DynamoDB does not delete a table with deletion protection, so a failed first
			// deployment must not try: see TestNothingAWSRefuses.
			want, why := "RetainExceptOnCreate", "a deleted stack must keep the data, and a failed first deployment must leave nothing"
			if at(r.properties, "DeletionProtectionEnabled") != nil {
				want, why = "Retain", "a failed first deployment cannot delete a protected table"
			}
			if got := text(r.body, "DeletionPolicy"); got != want {
				t.Errorf("%s: DeletionPolicy is %q, want %s: %s", r.name, got, want, why)
			}
			if got := text(r.body, "UpdateReplacePolicy"); got != "Retain" {
				t.Errorf("%s: UpdateReplacePolicy is %q, want Retain: a replacement must not drop the data", r.name, got)
			}
			if name != "" && at(r.properties, name) != nil {
				t.Errorf("%s has a %s: a retained resource would block the next deployment under that name", r.name, name)
			}
		}
	}
}

// TestTablesAreBilledByUse: an idle month costs nothing.
func TestTablesAreBilledByUse(t *testing.T) {
	t.Parallel()
	for _, table := range resources(t, "AWS::DynamoDB::Table") {
		if got := text(table.properties, "BillingMode"); got != "PAY_PER_REQUEST" {
			t.Errorf("%s: BillingMode is %q, want PAY_PER_REQUEST: an idle month costs nothing", table.name, got)
		}
	}
}

// TestTablesWithoutATTLAreBackedUp: webhooks and keys exist nowhere else. Events,
// logs and retries expire.
func TestTablesWithoutATTLAreBackedUp(t *testing.T) {
	t.Parallel()
	for _, table := range resources(t, "AWS::DynamoDB::Table") {
		if at(table.properties, "TimeToLiveSpecification") != nil {
			continue
		}
		if text(table.properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != "true" {
			t.Errorf("%s has no point-in-time recovery: data deleted by mistake would be lost", table.name)
		}
		if text(table.properties, "DeletionProtectionEnabled") != "ProtectTables" {
			t.Errorf("%s can be deleted by a mistake", table.name)
		}
	}
}

// TestQueuesKeepTheirMessages checks retention periods and dead-letter queues.
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
				t.Errorf("a target of %s has no DeadLetterConfig: an event that the bus cannot deliver would be dropped silently", rule.name)
			}
			deadLetters[letters] = true
		}
	}
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		if got := number(t, 345_600, queue.properties, "MessageRetentionPeriod"); got != fourteenDays {
			t.Errorf("%s keeps messages for %d s, want %d: an operator must be able to find them after a long weekend", queue.name, got, fourteenDays)
		}
		if !deadLetters[queue.name] && at(queue.properties, "RedrivePolicy") == nil {
			t.Errorf("%s has no RedrivePolicy: a message that crashes its function would be received until it expires", queue.name)
		}
	}
}

// TestQueueMappingsLoseNothing checks the event source mappings and the timeouts of
// their queues.
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
			timeout := number(t, 10, f.properties, "Timeout") // 10 s in Globals
			if got := number(t, 30, queue.properties, "VisibilityTimeout"); got != 6*timeout {
				t.Errorf("%s: VisibilityTimeout of %s is %d s, want 6 × the function's timeout of %d s: Lambda needs this time to retry throttled invocations before a message becomes visible again", mapping, queue.name, got, timeout)
			}
			limit := number(t, -1, queue.properties, "RedrivePolicy", "maxReceiveCount")
			if got := number(t, 0, f.properties, "Environment", "Variables", "MAX_RECEIVE_COUNT"); got != limit {
				t.Errorf("%s: MAX_RECEIVE_COUNT is %d and the queue's maxReceiveCount %d: the function sets a message aside shortly before the limit, so both must agree", mapping, got, limit)
			}
		}
	}
	if mappings < 2 {
		t.Errorf("the template has %d SQS mappings, want those of fanout and dispatcher", mappings)
	}
}

// TestScheduledRunsAreNotRepeated: a schedule invokes asynchronously. By default Lambda
// repeats a failed run twice and keeps throttled runs for six hours, and EventBridge
// keeps undelivered ones for a day. Here the next run, a minute later, does the work.
func TestScheduledRunsAreNotRepeated(t *testing.T) {
	t.Parallel()
	schedules := 0
	for _, f := range functions(t) {
		events, _ := f.properties["Events"].(map[string]any)
		for name, event := range events {
			if text(event, "Type") != "Schedule" {
				continue
			}
			schedules++
			if got := text(event, "Properties", "Schedule"); got != "rate(1 minute)" {
				t.Errorf("%s of %s runs at %q, want rate(1 minute), on which the limits of this test depend", name, f.name, got)
			}
			for keeper, settings := range map[string]any{
				"Lambda (EventInvokeConfig)": f.properties["EventInvokeConfig"], "EventBridge (RetryPolicy)": at(event, "Properties", "RetryPolicy"),
			} {
				if got := number(t, 2, settings, "MaximumRetryAttempts"); got != 0 {
					t.Errorf("%s of %s: %s repeats a run %d times, want 0", name, f.name, keeper, got)
				}
				if got := number(t, 21_600, settings, "MaximumEventAgeInSeconds"); got != 60 {
					t.Errorf("%s of %s: %s keeps a run for %d s, want 60: then the next run begins", name, f.name, keeper, got)
				}
			}
		}
	}
	if schedules == 0 {
		t.Error("the template has no schedule, want that of the retrier")
	}
}

// TestTheTestRouteFitsANewAccount: an invocation of this route waits for a customer's
// receiver, so callers could occupy the account's executions. A new account has ten.
func TestTheTestRouteFitsANewAccount(t *testing.T) {
	t.Parallel()
	parameters, found := section(t, "Parameters"), false
	for _, api := range resources(t, "AWS::Serverless::HttpApi") {
		limits, _ := at(api.properties, "RouteSettings", "POST /api/v1/webhooks/{webhook_id}/test", "Fn::If").([]any)
		if len(limits) != 3 || limits[0] != "HasDefaultTestLimits" {
			t.Fatalf("%s limits the test route by %v, want a choice by HasDefaultTestLimits", api.name, limits)
		}
		for parameter, setting := range map[string]string{"TestRate": "ThrottlingRateLimit", "TestBurst": "ThrottlingBurstLimit"} {
			written, standard := number(t, 0, limits[1], setting), number(t, 0, parameters, parameter, "Default")
			if written != standard || text(limits[2], setting) != parameter {
				t.Errorf("%s of the test route is %d or %q, want %d or %q", setting, written, text(limits[2], setting), standard, parameter)
			}
		}
		found = true
	}
	if !found {
		t.Error("the template has no HTTP API")
	}
	rate, burst := number(t, 0, parameters, "TestRate", "Default"), number(t, 0, parameters, "TestBurst", "Default")
	if waiting := burst + rate*int(webhook.TestTimeout.Seconds()); waiting > 8 {
		t.Errorf("%d executions may wait for receivers of tests, want at most 8 of 10", waiting)
	}
}

// TestTheLeaseOfATestEndsWithItsFunction: a shorter lease would let a tenant run two
// tests at once, a longer one would block it after a crash.
func TestTheLeaseOfATestEndsWithItsFunction(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		if f.name != "TestWebhookFunction" {
			continue
		}
		if got := number(t, 10, f.properties, "Timeout"); got != int(webhook.TestLease.Seconds()) {
			t.Errorf("the timeout of %s is %d s, want webhook.TestLease, %v", f.name, got, webhook.TestLease)
		}
		return
	}
	t.Error("the template has no TestWebhookFunction")
}
