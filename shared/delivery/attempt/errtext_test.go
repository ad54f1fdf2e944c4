package attempt_test

import (
	"bytes"
	"crypto/tls"
	"log"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"webhooks/shared/delivery/attempt"
)

// alarming are words that the metric filters of template.yaml look for.
var alarming = []string{"Task timed out", "Runtime exited", `"level":"ERROR"`, "platform.report", "marked-event-data"}

// answersWith returns answers that have words in every part that a parser might quote.
func answersWith(words string) map[string]string {
	return map[string]string{
		"instead of a status line":        words + "\r\n\r\n",
		"as a protocol":                   words + " 200 OK\r\n\r\n",
		"as a status":                     "HTTP/1.1 " + words + "\r\n\r\n",
		"as a reason":                     "HTTP/1.1 500 " + words + "\r\nX\r\n\r\n",
		"as a header without a colon":     ok + words + "\r\n\r\n",
		"as a header":                     ok + words + ": " + words + "\x00\r\n\r\n",
		"as a length":                     ok + "Content-Length: " + words + "\r\n\r\n",
		"as a transfer coding":            ok + "Transfer-Encoding: " + words + "\r\n\r\n",
		"as a chunk":                      ok + "Transfer-Encoding: chunked\r\n\r\n" + words + "\r\n",
		"as a trailer":                    ok + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n" + words + "\r\n\r\n",
		"as a location":                   "HTTP/1.1 302 X\r\nLocation: https://" + words + "\r\nContent-Length: 0\r\n\r\n",
		"as a Retry-After":                "HTTP/1.1 503 X\r\nRetry-After: " + words + "\r\nContent-Length: 0\r\n\r\n",
		"as a body":                       ok + "\r\n" + words,
		"as a body that breaks off":       ok + "Content-Length: 900\r\n\r\n" + words,
		"after the response":              ok + "Content-Length: 0\r\n\r\n" + words,
		"after a response, with new line": ok + "Content-Length: 0\r\n\r\n" + words + "\n" + words + "\n",
		"as an informational response":    "HTTP/1.1 100 " + words + "\r\n" + words + "\r\n\r\n",
	}
}

// A receiver chooses what it answers and what its certificate says. It must not reach
// the function's log: there, it would ring alarms and take a deployment back, or show
// the event and the signature. The test reads what is logged about each attempt, and
// what net/http and others write to the log of the process.
func TestNothingOfTheReceiverReachesTheLog(t *testing.T) {
	var written bytes.Buffer
	log.SetOutput(&written)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	logger := slog.New(slog.NewJSONHandler(&written, nil))
	send := func(cfg attempt.Config, url string) {
		// Twice: the second attempt may use the connection of the first.
		sender := newSender(t, cfg)
		for range 2 {
			if got := sender.Send(t.Context(), newRequest(t, url)); got.Err != nil {
				logger.Info("attempt", "failure", string(got.Problem()), "error", got.Err.Error())
			}
		}
	}
	for _, words := range alarming {
		for _, answer := range answersWith(words) {
			send(attempt.Config{}, newReceiver(t, answering(answer)).url)
			tlsURL := strings.Replace(newReceiver(t, answeringAtOnce(answer)).url, "http://", "https://", 1)
			send(attempt.Config{}, tlsURL)
		}
		for _, change := range []func(*x509Template){
			func(c *x509Template) { c.IPAddresses, c.DNSNames = nil, []string{words} },
			func(c *x509Template) { c.NotAfter = time.Now().Add(-time.Hour) },
			func(c *x509Template) {
				c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.com"}
			},
		} {
			cert, pool := certificateOf(t, func(c *x509Template) {
				c.Subject.CommonName, c.Subject.Organization, c.Issuer.CommonName = words, []string{words}, words
				change(c)
			})
			url := newTLSReceiver(t, &tls.Config{Certificates: []tls.Certificate{cert}})
			// For a name, crypto/x509 quotes the names of the certificate.
			for _, u := range []string{url, strings.Replace(url, "127.0.0.1", "localhost", 1)} {
				send(attempt.Config{RootCAs: pool}, u)
				send(attempt.Config{}, u)
			}
		}
	}
	for line := range strings.Lines(written.String()) {
		for _, words := range alarming {
			if strings.Contains(line, words) || strings.Contains(line, strings.ReplaceAll(words, `"`, `\"`)) {
				t.Errorf("the log has %s", line)
			}
		}
		if matched := matches(t, line); matched != "" {
			t.Errorf("the metric filter %s matches %s", matched, line)
		}
	}
	if strings.Count(written.String(), "\n") < 100 {
		t.Errorf("the log has too few lines to show anything:\n%s", written.String())
	}
}

var (
	filterPattern = regexp.MustCompile(`(?m)^ +FilterPattern: '(.*)'$`)
	jsonTerm      = regexp.MustCompile(`\$\.([a-z.]+) = "([^"]+)"`)
	textTerm      = regexp.MustCompile(`(^| |\?)"([^"]+)"`) // not those after "-", which exclude lines
)

// matches returns a pattern of the metric filters in template.yaml of which any term
// matches line. It is stricter than CloudWatch, for which several terms must match.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func matches(t *testing.T, line string) string {
	t.Helper()
	template, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := filterPattern.FindAllStringSubmatch(string(template), -1)
	if len(found) < 3 {
		t.Fatalf("template.yaml has %d filter patterns, want at least 3", len(found))
	}
	var fields map[string]any
	_ = json.Unmarshal([]byte(line), &fields) // a line that is not JSON has no fields
	for _, pattern := range found {
		if strings.HasPrefix(pattern[1], "{") {
			for _, term := range jsonTerm.FindAllStringSubmatch(pattern[1], -1) {
				if valueAt(fields, term[1]) == term[2] {
					return pattern[1]
				}
			}
			continue
		}
		for _, term := range textTerm.FindAllStringSubmatch(pattern[1], -1) {
			if strings.Contains(line, term[2]) {
				return pattern[1]
			}
		}
	}
	return ""
}

// valueAt returns the value at a path such as "record.status".
func valueAt(fields map[string]any, path string) any {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return fields[name]
	}
	inner, _ := fields[name].(map[string]any)
	return valueAt(inner, rest)
}

// The matcher finds what it should.
func TestMetricFiltersMatchAlarmingLines(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"2026-01-26T10:00:00Z 1 Task timed out after 60.00 seconds", "RequestId: 1 Error: Runtime exited",
		`{"level":"ERROR"}`, `{"type":"platform.report","record":{"status":"timeout"}}`,
	} {
		if matches(t, line) == "" {
			t.Errorf("no filter matches %s", line)
		}
	}
}
