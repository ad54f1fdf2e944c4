package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"webhooks/shared/cloudtest"
)

// TestOneQueryFollowsAnEvent runs the saved query of the template as an operator
// does, and finds the event in every function that it went through.
func TestOneQueryFollowsAnEvent(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, statuses(http.StatusInternalServerError, http.StatusOK))
	c.webhook(r.URL, "environment.created")
	id := "evt-" + newTenantID()
	publish(t, c.event(id, `{}`))
	r.next(t)
	r.next(t)

	query := strings.Replace(savedQuery(t, "FollowAnEventQuery"), "PUT-THE-EVENT-ID-HERE", id, 1)
	want := []string{"event fanned out", "attempt", "attempt"}
	eventually(t, func() string {
		var got []string
		for _, line := range insights(t, "fields @message | "+query) {
			var fields struct {
				Message string `json:"message"`
			}
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("a line of the log is no JSON: %v: %s", err, line)
			}
			got = append(got, fields.Message)
		}
		if !slices.Equal(got, want) {
			return strings.Join(got, ", ") + " are the lines about the event, want " + strings.Join(want, ", ")
		}
		return ""
	})
}

// TestWhatHappenedIsMeasured looks for the lines that CloudWatch makes metrics of.
func TestWhatHappenedIsMeasured(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))
	r.next(t)
	for _, name := range []string{"EventsAccepted", "DeliveriesMatched", "Delivered", "AttemptTime", "FirstAttemptDelay"} {
		member, namespace := `"`+name+`":`, `"Namespace":"Webhooks/`+deployed(t).StackName+`"`
		eventually(t, func() string {
			lines := insights(t, `filter @message like /`+member+`/ | fields @message`)
			if !slices.ContainsFunc(lines, func(line string) bool {
				return strings.HasPrefix(line, `{"_aws":`) && strings.Contains(line, namespace)
			}) {
				return "no line measures " + name
			}
			return ""
		})
	}
}

// savedQuery returns a query of the template.
func savedQuery(t testing.TB, logicalID string) string {
	t.Helper()
	text, err := os.ReadFile(cloudtest.Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	var query struct {
		QueryString string `yaml:"QueryString"`
	}
	node := template.Resources[logicalID].Properties
	if err := node.Decode(&query); err != nil || query.QueryString == "" {
		t.Fatalf("template.yaml has no query %s (%v)", logicalID, err)
	}
	return query.QueryString
}

// insights runs a query on the functions' log and returns the messages of what
// it found: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
func insights(t testing.TB, query string) []string {
	t.Helper()
	var started struct{ QueryID string }
	logs(t, "StartQuery", map[string]any{
		"logGroupName": physicalID(t, "LogGroup"), "queryString": query,
		"startTime": time.Now().Add(-time.Hour).Unix(), "endTime": time.Now().Add(time.Minute).Unix(),
	}, &started)
	var result struct {
		Status  string
		Results [][]struct{ Field, Value string }
	}
	logs(t, "GetQueryResults", map[string]any{"queryId": started.QueryID}, &result)
	var messages []string
	for _, row := range result.Results {
		for _, cell := range row {
			if cell.Field == "@message" {
				messages = append(messages, cell.Value)
			}
		}
	}
	return messages
}

// logs calls CloudWatch Logs.
func logs(t testing.TB, action string, input, output any) {
	t.Helper()
	payload, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	got := awsCall(t, "logs", http.MethodPost, "/", payload,
		http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + action}}, administrator(t))
	if err := json.Unmarshal([]byte(got.Body), output); err != nil || got.Status != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", action, got.Status, err, got.Body)
	}
}
