// Package lambdatest runs the functions as AWS Lambda runs them: the binary that
// `sam build` makes, as a process of its own that asks a Runtime API for work. So
// a test can measure what one invocation takes of processor, memory and time to
// start, without the local cloud's own work in the figure.
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

// patience bounds a start and an invocation: longer, and the function hangs.
const patience = time.Minute

// Function is a function's process. It ends with the test.
type Function struct {
	t       testing.TB
	process *exec.Cmd
	work    chan invocation
	asked   chan time.Time // once for each request for work
	answers chan answer
	ended   chan struct{}
	output  *os.File // not a pipe, of which the last line may still be on its way
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

// Start runs binary with the variables env, and those that Lambda sets, and
// returns when it asks for its first invocation.
func Start(t testing.TB, binary string, env map[string]string) *Function {
	t.Helper()
	f := &Function{
		t: t, work: make(chan invocation), asked: make(chan time.Time, 1), answers: make(chan answer, 1), ended: make(chan struct{}),
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
		defer close(f.ended)
		_ = f.process.Wait() // it is killed below; an end before that is noticed by who waits for it
	}()
	f.stop = sync.OnceFunc(func() {
		_ = f.process.Process.Kill() // it may have ended before
		<-f.ended
		api.CloseClientConnections() // of a request for work that nobody answers
		api.Close()
		_ = output.Close() // nothing is written any more
	})
	t.Cleanup(f.stop)
	f.ready = f.waitForNext().Sub(f.started)
	return f
}

// environment is what a function has on Lambda, without anything of ours.
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

// Stop ends the process; else the test's end does.
func (f *Function) Stop() { f.stop() }

// Ready is the time from the start of the process to its first request for work.
func (f *Function) Ready() time.Duration { return f.ready }

// Invoke hands payload to the function and returns its answer once it asks for
// more, which is when Lambda takes the invocation for finished. The test fails
// if the function does.
func (f *Function) Invoke(payload []byte) []byte {
	f.t.Helper()
	f.count++
	f.work <- invocation{strconv.Itoa(f.count), payload}
	f.waitForNext()
	got := <-f.answers
	if got.failed {
		f.t.Fatalf("the function failed: %s\n%s", got.body, f.Logged())
	}
	return got.body
}

func (f *Function) waitForNext() time.Time {
	f.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case at := <-f.asked:
		return at
	case <-f.ended:
		f.t.Fatalf("the function ended: %s", f.Logged())
	case <-timer.C:
		f.t.Fatalf("the function did not ask for work within %s: %s", patience, f.Logged())
	}
	return time.Time{}
}

// runtimeAPI is the part of the API that a function without extensions uses:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (f *Function) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		f.asked <- time.Now()
		select {
		case i := <-f.work:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("8476a536-e9f4-11e8-9739-%012s", i.id))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:function")
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(i.payload) // a function that is gone is noticed by who waits for its answer
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

// Logged returns what the function has printed, which Lambda writes to its log.
func (f *Function) Logged() string {
	f.t.Helper()
	text, err := os.ReadFile(f.output.Name())
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}
