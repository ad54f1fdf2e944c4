package architecture_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestErrorLinesCountTheServicesOwnErrors: the metric ErrorLines rolls a gradual
// deployment back. A new version that crashes or hangs must count although it logs
// nothing itself. A failing receiver must not count, nor its words: it may call its
// certificate "Task timed out". The authorizer has another log group, because it fails
// with the identity provider.
//
// The lines of Lambda have the form of
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html.
func TestErrorLinesCountTheServicesOwnErrors(t *testing.T) {
	t.Parallel()
	var patterns []string
	for _, filter := range resources(t, "AWS::Logs::MetricFilter") {
		if group := text(filter.properties, "LogGroupName"); group != "LogGroup" {
			t.Errorf("%s counts the lines of %s, want LogGroup: a failure of the identity provider must not roll a deployment back", filter.name, group)
		}
		transformations, _ := filter.properties["MetricTransformations"].([]any)
		if len(transformations) == 1 && text(transformations[0], "MetricName") == "ErrorLines" {
			patterns = append(patterns, text(filter.properties, "FilterPattern"))
		}
	}
	report := func(status string) string {
		return `{"time":"2026-01-26T10:00:00.000Z","type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":10000},"status":"` + status + `"}}`
	}
	tests := []struct {
		name, line string
		want       int
	}{
		{name: "an error of the service", line: `{"time":"t","level":"ERROR","message":"request","status":500}`, want: 1},
		{name: "a failed attempt", line: `{"time":"t","level":"INFO","message":"attempt","outcome":"failed","status_code":500}`},
		{name: "an attempt whose error quotes a timeout", line: `{"time":"t","level":"INFO","message":"attempt","error":"x509: certificate is valid for Task timed out, not a.example"}`},
		{name: "an attempt whose error quotes a crash", line: `{"time":"t","level":"INFO","message":"attempt","error":"x509: certificate is valid for Runtime exited, not a.example"}`},
		{name: "an attempt whose error quotes a report", line: `{"time":"t","level":"INFO","message":"attempt","error":"{\"type\":\"platform.report\",\"record\":{\"status\":\"error\"}}"}`},
		{name: "a refusal that quotes a level", line: `{"time":"t","level":"WARN","message":"event set aside","detail":"\"level\":\"ERROR\" Task timed out"}`},
		{name: "the error that the runtime prints for a failed invocation", line: `2026/01/26 10:00:00 {"errorMessage":"authorize: Task timed out Runtime exited","errorType":"wrapError"}`},
		{name: "a warning", line: `{"time":"t","level":"WARN","message":"message set aside"}`},
		{name: "metrics", line: `{"_aws":{"Timestamp":1},"Failed":1}`},
		{name: "a timeout", line: report("timeout"), want: 1},
		{name: "a crash", line: report("error"), want: 1},
		{name: "a failure", line: report("failure"), want: 1},
		{name: "a successful invocation", line: report("success")},
		{name: "a report without a status", line: `{"time":"t","type":"platform.report","record":{"requestId":"r"}}`},
		{name: "the line before a report", line: `{"time":"t","type":"platform.runtimeDone","record":{"requestId":"r","status":"timeout"}}`},
		{name: "a timeout in plain text", line: "2026-01-26T10:00:00.000Z 8476a536 Task timed out after 10.00 seconds", want: 1},
		{name: "out of memory in plain text", line: "RequestId: 8476a536 Error: Runtime exited with error: signal: killed\nRuntime.ExitError", want: 1},
	}
	for _, tt := range tests {
		got := 0
		for _, pattern := range patterns {
			if matches(t, pattern, tt.line) {
				got++
			}
		}
		if got != tt.want {
			t.Errorf("%s is counted %d times, want %d: %s", tt.name, got, tt.want, tt.line)
		}
	}
}

// matches applies a filter pattern of CloudWatch. It knows the two forms that the
// template uses: terms that must occur or (with a minus) must not, in quotes if they have
// spaces, and conditions on JSON members.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func matches(t *testing.T, pattern, line string) bool {
	t.Helper()
	if strings.HasPrefix(pattern, `"`) {
		terms := regexp.MustCompile(`(-?)("[^"]*"|\w+)`)
		if rest := strings.TrimSpace(terms.ReplaceAllString(pattern, "")); rest != "" {
			t.Fatalf("this test does not understand %q in %s", rest, pattern)
		}
		for _, term := range terms.FindAllStringSubmatch(pattern, -1) {
			if strings.Contains(line, strings.Trim(term[2], `"`)) == (term[1] == "-") {
				return false
			}
		}
		return true
	}
	var document any
	if json.Unmarshal([]byte(line), &document) != nil {
		return false
	}
	// Replace each condition by T or F, then reduce the expression to one letter.
	reduced := regexp.MustCompile(`\$\.([\w.]+) = "([^"]*)"`).ReplaceAllStringFunc(pattern, func(condition string) string {
		path, want, _ := strings.Cut(strings.TrimPrefix(condition, "$."), " = ")
		if at(document, strings.Split(path, ".")...) == any(strings.Trim(want, `"`)) {
			return "T"
		}
		return "F"
	})
	reduced = strings.Trim(strings.ReplaceAll(reduced, " ", ""), "{}")
	for before := ""; before != reduced; {
		before = reduced
		for _, rule := range [][2]string{
			{"T&&T", "T"}, {"T&&F", "F"}, {"F&&T", "F"}, {"F&&F", "F"}, {"T||T", "T"}, {"T||F", "T"}, {"F||T", "T"}, {"F||F", "F"}, {"(T)", "T"}, {"(F)", "F"},
		} {
			reduced = strings.ReplaceAll(reduced, rule[0], rule[1])
		}
	}
	if reduced != "T" && reduced != "F" {
		t.Fatalf("this test does not understand %s", pattern)
	}
	return reduced == "T"
}

// TestAccessLogsHoldNoTextOfACaller: a path, a query string or a header may hold a key,
// and a line with the caller's words could ring an alarm. The variables:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
func TestAccessLogsHoldNoTextOfACaller(t *testing.T) {
	t.Parallel()
	settings := at(resources(t, "AWS::Serverless::HttpApi")[0].properties, "AccessLogSettings", "Fn::If")
	branches, _ := settings.([]any)
	if len(branches) != 3 || branches[0] != "HasAccessLogs" {
		t.Fatalf("the API's access logs are %v, want a condition: they cost money", settings)
	}
	if group := text(branches[1], "DestinationArn"); group != "AccessLogGroup" {
		t.Errorf("access logs go to %s, want a group without metric filters", group)
	}
	var line map[string]string
	if err := json.Unmarshal([]byte(text(branches[1], "Format")), &line); err != nil {
		t.Fatalf("the format is not JSON: %v", err)
	}
	// What API Gateway chooses. The method and the path are the caller's; the key of the
	// route says what they are if the API has them.
	known := []string{
		"requestId", "requestTime", "identity.sourceIp", "routeKey", "status", "responseLength", "responseLatency",
		"error.responseType", "authorizer.status", "integration.status",
	}
	for name, variable := range line {
		if !slices.Contains(known, strings.TrimPrefix(variable, "$context.")) {
			t.Errorf("%s is %s, which may be text of a caller", name, variable)
		}
	}
}
