package architecture_test

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMetricsAreThoseThatAreWritten: an alarm on a metric that no function writes
// never starts.
func TestMetricsAreThoseThatAreWritten(t *testing.T) {
	t.Parallel()
	written := metricNames(t)
	for _, filter := range resources(t, "AWS::Logs::MetricFilter") {
		transformations, _ := filter.properties["MetricTransformations"].([]any)
		for _, transformation := range transformations {
			written = append(written, text(transformation, "MetricName"))
		}
	}
	template := read(t, "template.yaml")
	drawn := make(map[string]bool)
	for _, match := range regexp.MustCompile(`\["Webhooks/\$\{AWS::StackName\}", "([A-Za-z]+)"`).FindAllStringSubmatch(template, -1) {
		drawn[match[1]] = true
		if !slices.Contains(written, match[1]) {
			t.Errorf("the dashboard shows the metric %s, which no function writes", match[1])
		}
	}
	for _, alarm := range resources(t, "AWS::CloudWatch::Alarm") {
		own := fmt.Sprint(alarm.properties["Namespace"]) == "map[Fn::Sub:Webhooks/${AWS::StackName}]"
		if name := text(alarm.properties, "MetricName"); own && !slices.Contains(written, name) {
			t.Errorf("%s watches the metric %s, which no function writes", alarm.name, name)
		}
	}
	// The account pays for each metric. The page counts them.
	slices.Sort(written)
	written = slices.Compact(written)
	page := read(t, operating)
	if said := fmt.Sprintf("each of the %d metrics", len(written)); !strings.Contains(page, said) {
		t.Errorf("%s does not say %q", operating, said)
	}
	for _, name := range written {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s does not name the metric `%s`", operating, name)
		}
		if name != "DeliveriesSetAside" && !drawn[name] { // the number of dead letters shows it
			t.Errorf("the metric %s costs money, but the dashboard does not show it", name)
		}
	}
}

// metricNames returns the names of the metrics in package metric.
func metricNames(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, file := range goFiles(t) {
		if file.name != "shared/aws/metric/metric.go" {
			continue
		}
		for _, declaration := range file.ast.Decls {
			group, isGroup := declaration.(*ast.GenDecl)
			if !isGroup {
				continue
			}
			for _, spec := range group.Specs {
				value, isValue := spec.(*ast.ValueSpec)
				if !isValue || len(value.Values) != 1 || fmt.Sprint(value.Type) != "Metric" {
					continue
				}
				names = append(names, unquoted(value.Values[0]))
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("shared/aws/metric/metric.go has no constants of the type Metric, which this test reads")
	}
	return names
}

// TestTheDashboardHasLambdasPrice: the expression for Lambda time multiplies the
// durations by the functions' memory and the price that `make cost` uses.
func TestTheDashboardHasLambdasPrice(t *testing.T) {
	t.Parallel()
	template := read(t, "template.yaml")
	price := regexp.MustCompile(`lambdaGBSecond = ([0-9.]+)`).FindStringSubmatch(read(t, "shared/systemtest/cost/prices_test.go"))
	expression := regexp.MustCompile(`"expression": "([^"]*)", "label": "Lambda time"`).FindStringSubmatch(template)
	if price == nil || expression == nil {
		t.Fatalf("price %v of a GB-second in shared/systemtest/cost, expression %v for Lambda time on the dashboard", price, expression)
	}
	perSecond, err := strconv.ParseFloat(price[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	memory, all := make(map[string]int), 0
	for _, f := range functions(t) {
		memory[f.name] = number(t, number(t, 0, section(t, "Globals"), "Function", "MemorySize"), f.properties, "MemorySize")
	}
	for _, term := range regexp.MustCompile(`([0-9.]+)\*\(([^*]*)\)`).FindAllStringSubmatch(expression[1], -1) {
		factor, err := strconv.ParseFloat(term[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range regexp.MustCompile(`FILL\((\w+),0\)`).FindAllStringSubmatch(term[2], -1) {
			all++
			metric := regexp.MustCompile(`"Duration", "FunctionName", "\$\{(\w+)\}", \{"id": "` + id[1] + `"`).FindStringSubmatch(template)
			if metric == nil {
				t.Errorf("%s in %q is not the duration of a function", id[1], expression[1])
				continue
			}
			want := perSecond * float64(memory[metric[1]]) / 1024 / 1000
			if diff := factor/want - 1; diff < -0.001 || diff > 0.001 {
				t.Errorf("a millisecond of %s (%d MB) costs %.13f dollars, but the dashboard says %s", metric[1], memory[metric[1]], want, term[1])
			}
		}
	}
	if drawn := strings.Count(template, `["AWS/Lambda", "Duration", "FunctionName"`); all != drawn || all == 0 {
		t.Errorf("%q adds %d functions, but the dashboard has the durations of %d", expression[1], all, drawn)
	}
}

// TestEveryAlarmIsInTheRunbook: an operator must find what to do about an alarm.
func TestEveryAlarmIsInTheRunbook(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, alarm := range resources(t, "AWS::CloudWatch::Alarm") {
		want = append(want, alarm.name+": "+text(alarm.properties, "AlarmDescription"))
		for _, property := range []string{"AlarmDescription", "AlarmActions", "OKActions", "TreatMissingData"} {
			if at(alarm.properties, property) == nil {
				t.Errorf("%s has no %s", alarm.name, property)
			}
		}
		if !strings.Contains(text(alarm.body, "Condition"), "Alarms") {
			t.Errorf("%s has no Condition on EnableAlarms, so it cannot be disabled", alarm.name)
		}
		if at(alarm.properties, "AlarmName") != nil {
			t.Errorf("%s has an AlarmName: two stacks in one account would conflict", alarm.name)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+Alarm)` \\| ([^|]+) \\|").FindAllStringSubmatch(read(t, operating), -1) {
		got = append(got, row[1]+": "+row[2])
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the runbook does not have the alarms of the template (-template +page):\n%s", diff)
	}
}

// TestEverySavedQueryIsInThePage compares the names of the queries.
func TestEverySavedQueryIsInThePage(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, query := range resources(t, "AWS::Logs::QueryDefinition") {
		want = append(want, strings.TrimPrefix(text(query.properties, "Name", "Fn::Sub"), "${AWS::StackName}/"))
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([0-9] [a-z ]+)` \\|").FindAllStringSubmatch(read(t, operating), -1) {
		got = append(got, row[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the saved queries of %s are not those of the template (-template +page):\n%s", operating, diff)
	}
}

// TestEveryFunctionsThrottlesAreWatched checks that an alarm counts the throttles of
// every function, that each alarm on metric math has at most ten metrics
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html),
// and that the pages have the price of all alarms.
func TestEveryFunctionsThrottlesAreWatched(t *testing.T) {
	t.Parallel()
	watched, metrics := make(map[string]bool), 0
	for _, alarm := range resources(t, "AWS::CloudWatch::Alarm") {
		formula, isFormula := alarm.properties["Metrics"].([]any)
		if !isFormula {
			metrics++
			continue
		}
		if len(formula) > 11 {
			t.Errorf("%s has %d metrics and a formula, want at most 10", alarm.name, len(formula)-1)
		}
		metrics += len(formula) - 1
		for _, entry := range formula {
			dimensions, _ := at(entry, "MetricStat", "Metric", "Dimensions").([]any)
			if text(entry, "MetricStat", "Metric", "MetricName") == "Throttles" && len(dimensions) == 1 {
				watched[text(dimensions[0], "Value")] = true
			}
		}
	}
	for _, f := range functions(t) {
		if !watched[f.name] {
			t.Errorf("no alarm counts the throttles of %s", f.name)
		}
	}
	month := fmt.Sprintf("$%d.%d0", metrics/10, metrics%10) // $0.10 each
	if !strings.Contains(read(t, costs), month) {
		t.Errorf("%s does not say %s, the cost of the %d metrics of the alarms", costs, month, metrics)
	}
	if description := text(section(t, "Parameters"), "EnableAlarms", "Description"); !strings.Contains(description, month) {
		t.Errorf("the description of EnableAlarms is %q, but the alarms cost %s a month", description, month)
	}
}

// TestEveryQueueIsWatched checks for an alarm on the age of messages in each queue,
// and on any message in each dead-letter queue.
func TestEveryQueueIsWatched(t *testing.T) {
	t.Parallel()
	watched := make(map[string]string)
	for _, alarm := range resources(t, "AWS::CloudWatch::Alarm") {
		dimensions, _ := alarm.properties["Dimensions"].([]any)
		for _, dimension := range dimensions {
			if text(dimension, "Name") == "QueueName" {
				watched[text(dimension, "Value")] = text(alarm.properties, "MetricName")
			}
		}
	}
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		want := "ApproximateNumberOfMessagesVisible"
		if at(queue.properties, "RedrivePolicy") != nil {
			want = "ApproximateAgeOfOldestMessage"
		}
		if watched[queue.name] != want {
			t.Errorf("%s has no alarm on %s", queue.name, want)
		}
	}
}
