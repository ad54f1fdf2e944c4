package architecture_test

import (
	"fmt"
	"regexp"
	"strings"
)

// retentionRules are about resources that a failed deployment must delete.
func retentionRules() []rule {
	return []rule{
		{
			says:   "a resource with deletion protection has the DeletionPolicy Retain, so that a failed first deployment does not try to delete it and ends in ROLLBACK_FAILED",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
			check: each("", func(r resource) string {
				for name, value := range r.properties {
					protected := strings.HasPrefix(name, "DeletionProtection") && word(value) != "false" && word(value) != "INACTIVE"
					if protected && word(r.body, "DeletionPolicy") != "Retain" {
						return fmt.Sprintf("has %s and the DeletionPolicy %q", name, word(r.body, "DeletionPolicy"))
					}
				}
				return ""
			}),
			broken: `
T: {Type: AWS::DynamoDB::Table, DeletionPolicy: RetainExceptOnCreate, Properties: {DeletionProtectionEnabled: "true"}}`,
		},
	}
}

// environmentRules are about Lambda functions.
func environmentRules() []rule {
	return []rule{
		{
			says:   "the environment of a function has at most 4 KB, names included and as JSON, at the longest parameters and names",
			source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
			check: func(d deployment) []string {
				return each("AWS::Lambda::Function", func(f resource) string {
					if size := longestJSON(d, at(f.properties, "Environment", "Variables")); size > 4096 {
						return fmt.Sprintf("has an environment of up to %d bytes", size)
					}
					return ""
				})(d)
			},
			broken: "\nF: {Type: AWS::Lambda::Function, Properties: {Environment: {Variables: {A: " + strings.Repeat("x", 3700) + ", B: !Ref T, C: !Ref U}}}}\n" +
				"T: {Type: AWS::DynamoDB::Table}\nU: {Type: AWS::DynamoDB::Table}",
		},
		{
			says:   "a variable of a function begins with a letter, has letters, digits and underscores, and is not reserved",
			source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime",
			check: each("AWS::Lambda::Function", func(f resource) string {
				for name := range asMap(at(f.properties, "Environment", "Variables")) {
					if !variableName.MatchString(name) || reserved.MatchString(name) {
						return "has the variable " + name
					}
				}
				return ""
			}),
			broken: "F: {Type: AWS::Lambda::Function, Properties: {Environment: {Variables: {AWS_REGION: us-east-1}}}}",
		},
		{
			says:   "a function has a timeout of 1 to 900 s, 128 to 10,240 MB and a description of at most 256 characters",
			source: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
			check: each("AWS::Lambda::Function", func(f resource) string {
				timeout, memory := integer(3, f.properties, "Timeout"), integer(128, f.properties, "MemorySize")
				if description := word(f.properties, "Description"); timeout < 1 || timeout > 900 || memory < 128 || memory > 10_240 || len(description) > 256 {
					return fmt.Sprintf("has %d s, %d MB and the description %q", timeout, memory, description)
				}
				return ""
			}),
			broken: "F: {Type: AWS::Lambda::Function, Properties: {Timeout: 901}}",
		},
		{
			says:   "only the log format JSON has log levels",
			source: "https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html",
			check: each("AWS::Lambda::Function", func(f resource) string {
				settings := at(f.properties, "LoggingConfig")
				levels := word(settings, "ApplicationLogLevel") + word(settings, "SystemLogLevel")
				if levels != "" && word(settings, "LogFormat") != "JSON" {
					return "has log levels and the format " + word(settings, "LogFormat")
				}
				return ""
			}),
			broken: "F: {Type: AWS::Lambda::Function, Properties: {LoggingConfig: {LogFormat: Text, SystemLogLevel: WARN}}}",
		},
		{
			says:   "an asynchronous invocation is repeated at most twice and kept for 60 to 21,600 s",
			source: "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html",
			check: each("AWS::Lambda::EventInvokeConfig", func(c resource) string {
				tries, age := integer(0, c.properties, "MaximumRetryAttempts"), integer(60, c.properties, "MaximumEventAgeInSeconds")
				if tries > 2 || age < 60 || age > 21_600 {
					return fmt.Sprintf("repeats %d times and keeps for %d s", tries, age)
				}
				return ""
			}),
			broken: "C: {Type: AWS::Lambda::EventInvokeConfig, Properties: {MaximumEventAgeInSeconds: 50}}",
		},
	}
}

var (
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
	// AWS_LAMBDA_… and others of AWS may be set, but none of ours should be one.
	reserved = regexp.MustCompile(`^(_HANDLER|_X_AMZN_TRACE_ID|AWS_.*|LAMBDA_.*)$`)
)

// queueRules are about queues, and what reads and fills them.
func queueRules() []rule {
	return []rule{
		{
			says:   "a queue keeps messages for 60 s to 14 days, hides them for at most 12 hours, and moves them after 1 to 1,000 receives",
			source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
			check: each("AWS::SQS::Queue", func(q resource) string {
				kept, hidden := integer(345_600, q.properties, "MessageRetentionPeriod"), integer(30, q.properties, "VisibilityTimeout")
				if n := integer(1, q.properties, "RedrivePolicy", "maxReceiveCount"); kept < 60 || kept > 1_209_600 || hidden > 43_200 || n < 1 || n > 1000 {
					return fmt.Sprintf("keeps for %d s, hides for %d s and moves after %d receives", kept, hidden, n)
				}
				return ""
			}),
			broken: "Q: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209601}}",
		},
		{
			says:   "a mapping's queue hides messages for at least the timeout of its function",
			source: "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
			check:  impatientQueues,
			broken: `
M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Q.Arn, FunctionName: !Ref F}}
Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 59}}
F: {Type: AWS::Lambda::Function, Properties: {Timeout: 60}}`,
		},
		{
			says:   "a mapping of more than 10 messages waits at least 1 s for them, and has 2 to 1,000 concurrent invocations",
			source: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
			check: each("AWS::Lambda::EventSourceMapping", func(m resource) string {
				size, window := integer(10, m.properties, "BatchSize"), integer(0, m.properties, "MaximumBatchingWindowInSeconds")
				most := integer(2, m.properties, "ScalingConfig", "MaximumConcurrency")
				if size > 10_000 || size > 10 && window < 1 || window > 300 || most < 2 || most > 1000 {
					return fmt.Sprintf("takes %d messages after %d s in %d invocations", size, window, most)
				}
				return ""
			}),
			broken: "M: {Type: AWS::Lambda::EventSourceMapping, Properties: {BatchSize: 11}}",
		},
		{
			says:   "a rule repeats at most 185 times and keeps events for 60 to 86,400 s",
			source: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html",
			check: each("AWS::Events::Rule", func(r resource) string {
				for _, target := range items(r.properties["Targets"]) {
					tries, age := integer(0, target, "RetryPolicy", "MaximumRetryAttempts"), integer(60, target, "RetryPolicy", "MaximumEventAgeInSeconds")
					if tries > 185 || age < 60 || age > 86_400 {
						return fmt.Sprintf("repeats %d times and keeps for %d s", tries, age)
					}
				}
				return ""
			}),
			broken: "R: {Type: AWS::Events::Rule, Properties: {Targets: [{RetryPolicy: {MaximumEventAgeInSeconds: 30}}]}}",
		},
	}
}

func impatientQueues(d deployment) []string {
	hidden, timeout := make(map[string]int), make(map[string]int)
	for _, queue := range d.of("AWS::SQS::Queue") {
		hidden[queue.name] = integer(30, queue.properties, "VisibilityTimeout")
	}
	for _, f := range d.of("AWS::Lambda::Function") {
		timeout[f.name] = integer(3, f.properties, "Timeout")
	}
	for _, alias := range d.of("AWS::Lambda::Alias") {
		f, _ := refersTo(alias.properties["FunctionName"])
		timeout[alias.name] = timeout[f.name]
	}
	return each("AWS::Lambda::EventSourceMapping", func(m resource) string {
		queue, _ := refersTo(m.properties["EventSourceArn"])
		f, _ := refersTo(m.properties["FunctionName"])
		if timeout[f.name] == 0 || hidden[queue.name] < timeout[f.name] {
			return fmt.Sprintf("reads %s, which hides messages for %d s, with %s, which runs for %d s", queue.name, hidden[queue.name], f.name, timeout[f.name])
		}
		return ""
	})(d)
}
