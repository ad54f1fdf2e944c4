package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// logLine is a line of the functions' logs.
type logLine struct {
	Stream  string `json:"logStreamName"`
	Message string `json:"message"`
}

// cloudLogs returns the lines of all functions that hold the text, all for "".
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
func cloudLogs(t testing.TB, text string) []logLine {
	t.Helper()
	var lines []logLine
	for group, token := physicalID(t, "LogGroup"), ""; ; {
		request := map[string]any{"logGroupName": group}
		if token != "" {
			request["nextToken"] = token
		}
		payload, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		got := awsCall(t, "logs", http.MethodPost, "/", payload, http.Header{
			"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328.FilterLogEvents"},
		}, administrator(t))
		var page struct {
			Events    []logLine
			NextToken string
		}
		if err := json.Unmarshal([]byte(got.Body), &page); err != nil || got.Status != http.StatusOK {
			t.Fatalf("read the logs: status %d, %v: %.300s", got.Status, err, got.Body)
		}
		for _, line := range page.Events {
			if strings.Contains(line.Message, text) {
				lines = append(lines, line)
			}
		}
		if token = page.NextToken; token == "" {
			return lines
		}
	}
}
