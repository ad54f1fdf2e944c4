package e2e_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// logLine is a line of the functions' logs.
type logLine struct {
	Stream  string `json:"logStreamName"`
	Message string `json:"message"`
}

// mostLines is the number of lines after which the local cloud truncates a response,
// without a token for the rest.
const mostLines = 10_000

// cloudLogs returns the lines that all functions logged since a time and that contain
// text; "" returns every line.
func cloudLogs(t testing.TB, since time.Time, text string) []logLine {
	t.Helper()
	return logsBetween(t, since.UnixMilli(), time.Now().Add(time.Minute).UnixMilli(), text)
}

// logsBetween reads both log groups, and halves the period until no response is truncated.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
func logsBetween(t testing.TB, from, to int64, text string) []logLine {
	t.Helper()
	var lines []logLine
	for _, group := range []string{"LogGroup", "AuthorizerLogGroup"} {
		var page struct{ Events []logLine }
		logsCall(t, group, "FilterLogEvents", map[string]any{"startTime": from, "endTime": to}, &page)
		if len(page.Events) >= mostLines && from < to {
			middle := (from + to) / 2
			return append(logsBetween(t, from, middle, text), logsBetween(t, middle+1, to, text)...)
		}
		lines = append(lines, page.Events...)
	}
	return slices.DeleteFunc(lines, func(l logLine) bool { return !strings.Contains(l.Message, text) })
}

// logsCall calls CloudWatch Logs about a log group of the stack.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
func logsCall(t testing.TB, group, operation string, request map[string]any, answer any) {
	t.Helper()
	request["logGroupName"] = physicalID(t, group)
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	got := awsCall(t, "logs", http.MethodPost, "/", payload, http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + operation},
	}, administrator(t))
	if err := json.Unmarshal([]byte(got.Body), answer); err != nil || got.Status != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %.300s", operation, got.Status, err, got.Body)
	}
}

// attributes parses a line of slog's text format, which functions write on the local
// cloud. On AWS they write JSON.
func (l logLine) attributes() map[string]string {
	found := make(map[string]string)
	for _, pair := range regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*"|\S*)`).FindAllStringSubmatch(l.Message, -1) {
		found[pair[1]] = pair[2]
		if text, err := strconv.Unquote(pair[2]); err == nil {
			found[pair[1]] = text
		}
	}
	return found
}
