package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"webhooks/shared/testkit/cloudtest"
)

// TestOneQueryFollowsAnEvent runs the saved query of the template as an operator does,
// and finds the log lines of every function about the event.
func TestOneQueryFollowsAnEvent(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, statuses(http.StatusInternalServerError, http.StatusOK))
	w := c.webhook(r.URL, "environment.created")
	id := "evt-" + newTenantID()
	c.call("POST", eventsPath, `{"id":"`+id+`","type":"environment.created","data":{}}`)
	r.next(t)
	r.next(t)
	// The log of the first attempt is written before the second attempt is queued.
	if got := c.call("POST", path(w.ID, "/logs/1/resend"), ""); got.Status != http.StatusAccepted {
		t.Fatalf("resend = %d %s", got.Status, got.Body)
	}
	r.next(t)

	query := strings.Replace(savedQuery(t, "FollowAnEventQuery"), "PUT-THE-EVENT-ID-HERE", id, 1)
	// Functions on the local cloud do not log JSON.
	message := regexp.MustCompile(`\bmessage"?[:=]"?(request|events fanned out|attempt)\b`)
	// The order of the lines varies: publish-events logs after the event is queued.
	want := []string{"attempt", "attempt", "attempt", "events fanned out", "request", "request"}
	eventually(t, func() string {
		lines, err := insights(t, "fields @message | "+query)
		if err != nil {
			return err.Error()
		}
		var got []string
		for _, line := range lines {
			if match := message.FindStringSubmatch(line); match != nil {
				got = append(got, match[1])
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Sprintf("the lines about the event are %q, want %q", got, want)
		}
		return ""
	})
}

// TestMetricsAreLogged looks for the log lines from which CloudWatch extracts metrics.
func TestMetricsAreLogged(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))
	r.next(t)
	for _, name := range []string{"EventsAccepted", "DeliveriesMatched", "Delivered", "AttemptTime", "FirstAttemptDelay"} {
		member, namespace := `"`+name+`":`, `"Namespace":"Webhooks/`+deployed(t).StackName+`"`
		eventually(t, func() string {
			lines, err := insights(t, `filter @message like /`+member+`/ | fields @message`)
			if err != nil {
				return err.Error()
			}
			if !slices.ContainsFunc(lines, func(line string) bool {
				return strings.HasPrefix(line, `{"_aws":`) && strings.Contains(line, namespace)
			}) {
				return "no line has the metric " + name
			}
			return ""
		})
	}
}

// savedQuery returns the text of a saved query of the template.
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

// insights runs a query on the functions' log and returns the messages that it found: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
//
// It returns an error if the query is refused: the local cloud responds with 500 if a
// function logs while it reads ("dictionary changed size during iteration").
func insights(t testing.TB, query string) ([]string, error) {
	t.Helper()
	var started struct{ QueryID string }
	if err := callLogs(t, "StartQuery", map[string]any{
		"logGroupName": physicalID(t, "LogGroup"), "queryString": query,
		"startTime": time.Now().Add(-time.Hour).Unix(), "endTime": time.Now().Add(time.Minute).Unix(),
	}, &started); err != nil {
		return nil, err
	}
	var result struct {
		Results [][]struct{ Field, Value string }
	}
	if err := callLogs(t, "GetQueryResults", map[string]any{"queryId": started.QueryID}, &result); err != nil {
		return nil, err
	}
	var messages []string
	for _, row := range result.Results {
		for _, cell := range row {
			if cell.Field == "@message" {
				messages = append(messages, cell.Value)
			}
		}
	}
	return messages, nil
}

// callLogs calls CloudWatch Logs.
func callLogs(t testing.TB, action string, input, output any) error {
	t.Helper()
	payload, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	got := awsCall(t, "logs", http.MethodPost, "/", payload,
		http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + action}}, administrator(t))
	if got.Status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %s", action, got.Status, got.Body)
	}
	return json.Unmarshal([]byte(got.Body), output)
}
