// Package lambdatest runs a function as AWS Lambda does: it starts the binary that
// `sam build` makes as a process, and serves the Runtime API from which the process
// gets its invocations. A test can measure the CPU time, the memory and the start of
// a function, without the work of the local cloud.
package lambdatest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeout limits a start and an invocation. A function that takes longer hangs.
const timeout = time.Minute

// Function is the process of a function. It ends with the test.
type Function struct {
	t       testing.TB
	process *exec.Cmd
	work    chan invocation
	polls   chan time.Time // one for each request for the next invocation
	answers chan answer
	exited  chan struct{}
	output  *os.File // a file has every line at once, unlike a pipe
	started time.Time
	count   int
	ready   time.Duration
	stop    func()
}

type invocation struct {
	id      string
	payload []byte
}

type answer struct {
	body   []byte
	failed bool
}

// Start runs binary with the variables env and those that Lambda sets. It returns when
// the process asks for its first invocation.
func Start(t testing.TB, binary string, env map[string]string) *Function {
	t.Helper()
	f := &Function{
		t: t, work: make(chan invocation), polls: make(chan time.Time, 1), answers: make(chan answer, 1), exited: make(chan struct{}),
	}
	api := httptest.NewServer(f.runtimeAPI())
	f.process = exec.Command(binary)
	f.process.Env = f.environment(api, env)
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	f.output = output
	f.process.Stdout, f.process.Stderr = output, output
	f.started = time.Now()
	if err := f.process.Start(); err != nil {
		t.Fatalf("start the function: %v", err)
	}
	go func() {
		defer close(f.exited)
		_ = f.process.Wait() // waitForNext reports an exit before the kill below
	}()
	f.stop = sync.OnceFunc(func() {
		_ = f.process.Process.Kill() // it may have exited already
		<-f.exited
		api.CloseClientConnections() // of the last request for an invocation
		api.Close()
		_ = output.Close() // the process no longer writes
	})
	t.Cleanup(f.stop)
	f.ready = f.waitForNext().Sub(f.started)
	return f
}

// environment returns the variables of a function on Lambda, without those of the test
// process.
func (f *Function) environment(api *httptest.Server, own map[string]string) []string {
	all := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":   strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME": "function",
		"AWS_LAMBDA_LOG_FORMAT":    "JSON",
		"AWS_LAMBDA_LOG_LEVEL":     "INFO",
	}
	maps.Copy(all, own)
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	return list
}

// Stop ends the process before the test ends.
func (f *Function) Stop() { f.stop() }

// Ready returns the time from the start of the process to its first request for an
// invocation.
func (f *Function) Ready() time.Duration { return f.ready }

// Invoke invokes the function with payload. It returns the response when the function
// asks for the next invocation, which for Lambda is the end of this one. The test
// fails if the function returns an error.
func (f *Function) Invoke(payload []byte) []byte {
	f.t.Helper()
	body, failed := f.Try(payload)
	if failed {
		f.t.Fatalf("the function failed: %s\n%s", body, f.Logged())
	}
	return body
}

// Try is [Function.Invoke] for payloads that the function may refuse: it also returns
// the error that the function reports.
func (f *Function) Try(payload []byte) (body []byte, failed bool) {
	f.t.Helper()
	f.count++
	f.work <- invocation{strconv.Itoa(f.count), payload}
	f.waitForNext()
	got := <-f.answers
	return got.body, got.failed
}

// waitForNext waits until the function asks for the next invocation.
func (f *Function) waitForNext() time.Time {
	f.t.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case at := <-f.polls:
		return at
	case <-f.exited:
		f.t.Fatalf("the function exited: %s", f.Logged())
	case <-timer.C:
		f.t.Fatalf("the function did not ask for an invocation within %s: %s", timeout, f.Logged())
	}
	return time.Time{}
}

// runtimeAPI serves the part of the Runtime API that a function without extensions
// uses:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (f *Function) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		f.polls <- time.Now()
		select {
		case i := <-f.work:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("8476a536-e9f4-11e8-9739-%012s", i.id))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(timeout).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:function")
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(i.payload) // waitForNext reports a function that has exited
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", f.accept(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", f.accept(true))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return mux
}

func (f *Function) accept(failed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, err := body.ReadFrom(r.Body)
		f.answers <- answer{body.Bytes(), failed || err != nil}
		w.WriteHeader(http.StatusAccepted)
	}
}

// Logged returns the output of the function, which Lambda writes to the log.
func (f *Function) Logged() string {
	f.t.Helper()
	text, err := os.ReadFile(f.output.Name())
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}
