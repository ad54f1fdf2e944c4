package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
)

// TestAnAnswerBeyondLambdasLimitBecomesAnError: Lambda ends a process whose answer has
// more than 6 MB, and the caller would get a 5xx of the gateway without a log line.
func TestAnAnswerBeyondLambdasLimitBecomesAnError(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain": "x", "quotation mark": `"`, "backslash": `\`, "line end": "\n", "control character": "\x01", "Chinese": "环",
		"line end of JavaScript": "\u2028", "markup": "<", "delete": "\x7f", "replacement": "\ufffd", "emoji": "\U0001f600",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			write := func(times int) (events.APIGatewayV2HTTPResponse, string) {
				b := setup(t, readWebhook(func(*http.Request, auth.Caller) (httpapi.Reply, error) {
					return httpapi.OK(strings.Repeat(text, times)), nil
				}))
				return b.call(t, request("GET", webhookPath, "")), b.log.String()
			}
			// From two small answers follows how many bytes each repetition takes.
			short, _ := write(1000)
			long, _ := write(2000)
			each := (cloudtest.EncodedSize(t, long) - cloudtest.EncodedSize(t, short)) / 1000
			response, _ := write((httpapi.MaxAnswer - 100) / each)
			if size := cloudtest.EncodedSize(t, response); response.StatusCode != 200 || size > httpapi.MaxAnswer+1000 || size < httpapi.MaxAnswer-1000 {
				t.Errorf("response = %d of %d bytes, want 200 of nearly %d", response.StatusCode, size, httpapi.MaxAnswer)
			}
			response, log := write(httpapi.MaxAnswer/each + 1)
			if response.StatusCode != 500 || !strings.Contains(response.Body, `"code":50001`) || cloudtest.EncodedSize(t, response) > 1000 {
				t.Errorf("response = %d of %d bytes, want a short 500", response.StatusCode, cloudtest.EncodedSize(t, response))
			}
			if !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "more than 5242880") {
				t.Errorf("log = %.500s, want an error with the limit", log)
			}
		})
	}
}
