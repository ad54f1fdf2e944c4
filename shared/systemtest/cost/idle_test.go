package cost_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

const (
	minutes = 730 * 60 // of a month
	// pollers is the number of long polls (20 s each) that Lambda keeps open on an
	// idle queue: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	pollers     = 5
	pollsMinute = pollers * 3
)

// TestIdleMonth counts the cost of a stack without events: the retrier's run every
// minute, and Lambda's polling of the queues.
func TestIdleMonth(t *testing.T) {
	t.Parallel()
	stack := lambdatest.NewStack(t, map[string]string{"LocalReceivers": "true"})
	m := newMeter(t, stack)
	retrier := lambdatest.Start(t, lambdatest.Binary(t, "retrier"), stack.Variables("RetrierFunction", map[string]string{"AWS_ENDPOINT_URL": m.url}))
	store := retrydb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), stack.Ref("RetriesTable"))
	// The cursor is where the previous run left it: each run advances it by a minute.
	now := time.Now()
	if err := store.Advance(t.Context(), retrydb.MinuteOf(now.Add(-11*time.Minute))); err != nil {
		t.Fatal(err)
	}
	before := retrier.CPU()
	retrier.Invoke(cloudtest.Event(t, "retrier.json"))

	used := m.total()
	used["retrier invocations"] = 1
	// The retrier looks 90 s ahead, which ends in the next minute or the one after it.
	looked := 13
	if used["RetriesTable read units"] != 1+0.5*retrydb.Shards*13 {
		looked = 14
	}
	want := usage{
		"RetriesTable read units":  1 + 0.5*retrydb.Shards*float64(looked), // the cursor, and each shard of each minute
		"RetriesTable write units": 1,                                      // the cursor
		"retrier invocations":      1,
	}
	if diff := cmp.Diff(want, used); diff != "" {
		t.Errorf("a run of the retrier is billed differently (-want +got):\n%s", diff)
	}
	log := retrier.Logged()
	use := functionUse{memory: stack.Memory("RetrierFunction"), invocations: 1, cpu: retrier.CPU() - before, logged: len(log), lines: strings.Count(log, "\n")}
	reportIdle(t, used, use, use.gbSeconds(time.Duration(looked+2)*awsCall))
}

// reportIdle prints the bill of a month of runs, with and without the free tier.
func reportIdle(t *testing.T, run usage, use functionUse, gbSeconds float64) {
	t.Helper()
	template := readTemplate(t)
	polls := float64(strings.Count(template, "Type: SQS\n")) * pollsMinute * minutes
	bytes := float64(use.logged+logLineOverhead*use.lines) * minutes
	b := run.price(minutes)
	b["SQS"] = polls / 1e6 * sqsRequests
	b["Lambda duration"] = gbSeconds * minutes * lambdaGBSecond
	b["CloudWatch logs"] = bytes / 1e9 * logsGB
	total := b.total()
	b.print(t, "an idle month")
	t.Logf("%-16s $%.2f", "total", total)
	b["SQS"] = max(0, polls-freeSQSRequests) / 1e6 * sqsRequests
	b["Lambda requests"], b["Lambda duration"], b["CloudWatch logs"] = 0, 0, 0 // far below the free tier
	t.Logf("%-16s $%.2f", "with free tier", b.total())
	reportOptions(t, template)
	if os.Getenv(envRecord) != "" {
		cloudtest.Record(t, "cost.json", map[string]float64{"usd_idle_month": total, "usd_idle_month_with_free_tier": b.total()})
	}
}

// reportOptions prints the monthly cost of the optional parts of the stack.
// CloudWatch bills an alarm for each metric that it watches.
func reportOptions(t *testing.T, template string) {
	t.Helper()
	var stack struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Metrics []struct {
					MetricStat map[string]any `yaml:"MetricStat"`
				} `yaml:"Metrics"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(template), &stack); err != nil {
		t.Fatal(err)
	}
	var metrics, dashboards, keys float64
	for _, resource := range stack.Resources {
		switch resource.Type {
		case "AWS::CloudWatch::Alarm":
			if len(resource.Properties.Metrics) == 0 {
				metrics++
			}
			for _, metric := range resource.Properties.Metrics {
				if metric.MetricStat != nil {
					metrics++
				}
			}
		case "AWS::CloudWatch::Dashboard":
			dashboards++
		case "AWS::KMS::Key":
			keys++
		}
	}
	if metrics == 0 || dashboards == 0 || keys == 0 {
		t.Fatalf("template.yaml has alarms on %v metrics, %v dashboards and %v keys, want at least one of each", metrics, dashboards, keys)
	}
	t.Logf("options: alarms on %v metrics $%.2f, %v dashboards $%.2f, %v keys $%.2f", metrics, metrics*alarmMonth, dashboards, dashboards*dashboardMonth, keys, keys*keyMonth)
}

func readTemplate(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(cloudtest.Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
