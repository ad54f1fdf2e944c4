package e2e_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"webhooks/shared/testkit/cloudtest"
)

// TestExampleReceiversVerify delivers to the receivers of .docs/examples, with a
// secret of each form. The repository does not require Node.js: without it, the
// JavaScript program does not run.
func TestExampleReceiversVerify(t *testing.T) {
	t.Parallel()
	programs := []string{"receive.go", "receive.py"}
	if _, err := exec.LookPath("node"); err == nil {
		programs = append(programs, "receive.mjs")
	} else {
		t.Log("receive.mjs was not run: this machine has no Node.js")
	}
	for _, file := range programs {
		for _, secret := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "your-secret-key"} {
			t.Run(file+" "+secret, func(t *testing.T) {
				t.Parallel()
				r := startExampleReceiver(t, file, secret)
				c := setup(t)
				body := fmt.Sprintf(`{"name":"an example","url":%q,"events":["alert.resolved"],"secret":%q}`, r.url, secret)
				made := dataOf[created](t, c.call("POST", "/api/v1/webhooks", body), http.StatusCreated)
				answer := dataOf[tested](t, c.call("POST", path(made.ID, "/test"), ""), http.StatusOK)
				if answer.StatusCode != http.StatusNoContent {
					t.Fatalf("the test delivery got %+v, want the status code 204", answer)
				}
				r.prints(t, "webhook.test")
				r.refusesAndRepeats(t, secret)
			})
		}
	}
}

// exampleReceiver is a running receiver of .docs/examples.
type exampleReceiver struct {
	url   string
	lines chan string // what it prints
}

// startExampleReceiver returns when the program listens. The test's end stops it.
func startExampleReceiver(t *testing.T, file, secret string) *exampleReceiver {
	t.Helper()
	process := exampleCommand(t, cloudtest.Path(".docs", "examples", file), "WEBHOOK_SECRET="+secret, "PORT=0")
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	r := &exampleReceiver{lines: make(chan string, 10)}
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			r.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill() // it serves until it is killed
		<-printed
		_ = process.Wait()
	})
	var found bool
	if r.url, found = strings.CutPrefix(r.next(t), "listening on "); !found {
		t.Fatalf("%s does not print its address", file)
	}
	return r
}

// next returns the next line that the program prints.
func (r *exampleReceiver) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.lines:
		return line
	case <-time.After(patience):
		t.Fatalf("the program printed nothing within %v", patience)
		return ""
	}
}

// prints fails unless the next line shows an event that contains text.
func (r *exampleReceiver) prints(t *testing.T, text string) {
	t.Helper()
	if line := r.next(t); !strings.HasPrefix(line, "event ") || !strings.Contains(line, text) {
		t.Errorf("the program printed %q, want an event with %q", line, text)
	}
}

// refusesAndRepeats sends requests that the program must refuse, then one event
// twice and one with two signatures. The program handles each event once.
func (r *exampleReceiver) refusesAndRepeats(t *testing.T, secret string) {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if strings.HasPrefix(secret, "whsec_") {
		verifier, err = standardwebhooks.NewWebhook(secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	foreign := "v1,a7ZOsFwC8jVHjZsxRXr3/9zt3dZ6tK+lthlgAUZBXUo="
	tests := []struct {
		name, id, body string
		at             time.Time
		change         func(signature string) string
		want           int
	}{
		{"unsigned", "evt-0", `{"n":"none"}`, now, func(string) string { return "" }, http.StatusUnauthorized},
		{"of another secret", "evt-0", `{"n":"none"}`, now, func(string) string { return foreign }, http.StatusUnauthorized},
		{"ten minutes old", "evt-0", `{"n":"none"}`, now.Add(-10 * time.Minute), nil, http.StatusUnauthorized},
		{"good", "evt-1", `{"n":"first"}`, now, nil, http.StatusNoContent},
		{"repeated", "evt-1", `{"n":"first"}`, now, nil, http.StatusNoContent},
		{"signed twice", "evt-2", `{"n":"second"}`, now, func(s string) string { return foreign + " " + s }, http.StatusNoContent},
	}
	for _, test := range tests {
		request, err := http.NewRequestWithContext(t.Context(), "POST", r.url, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		signature, err := verifier.Sign(test.id, test.at, []byte(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.change != nil {
			signature = test.change(signature)
		}
		for name, value := range map[string]string{"id": test.id, "timestamp": strconv.FormatInt(test.at.Unix(), 10), "signature": signature} {
			request.Header.Set("Webhook-"+name, value)
		}
		if got := do(t, request); got.Status != test.want {
			t.Errorf("a request that is %s: status %d, want %d", test.name, got.Status, test.want)
		}
	}
	r.prints(t, "first")
	r.prints(t, "second")
}
