package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
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

// runtimeAPI is the Lambda Runtime API for one invocation:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	server *httptest.Server
	event  []byte
	answer chan string

	mu     sync.Mutex
	served bool
	stolen []string // requests that did not come from the runtime
}

const runtimePath = "/2018-06-01/runtime/invocation/"

// newRuntimeAPI starts a Runtime API, which serves one event.
func newRuntimeAPI(t testing.TB) *runtimeAPI {
	api := &runtimeAPI{answer: make(chan string, 1)}
	api.server = httptest.NewServer(http.HandlerFunc(api.serve))
	t.Cleanup(func() {
		api.server.CloseClientConnections()
		api.server.Close()
	})
	return api
}

func (api *runtimeAPI) serve(w http.ResponseWriter, r *http.Request) {
	own := strings.HasPrefix(r.UserAgent(), "aws-lambda-go/")
	switch {
	case own && r.Method == http.MethodGet && r.URL.Path == runtimePath+"next":
		api.next(w, r)
	case own && r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, runtimePath):
		body, _ := io.ReadAll(r.Body) // the test fails on an incomplete body
		w.WriteHeader(http.StatusAccepted)
		api.answer <- string(body)
	default:
		api.mu.Lock()
		defer api.mu.Unlock()
		api.stolen = append(api.stolen, r.Method+" "+r.URL.Path+" by "+r.UserAgent())
	}
}

func (api *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	api.mu.Lock()
	first := !api.served
	api.served = true
	api.mu.Unlock()
	if !first {
		<-r.Context().Done() // no further invocation
		return
	}
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
	w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:test")
	_, _ = w.Write(api.event)
}

// run starts the binary of a deployed function with the function's environment and
// this Runtime API, and returns its response to event.
func (api *runtimeAPI) run(t testing.TB, logicalID string, event []byte) string {
	t.Helper()
	api.event = event
	name, stack := physicalID(t, logicalID), deployed(t)
	command := exec.CommandContext(t.Context(), deployedBinary(t, name))
	command.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.server.URL, "http://"), "AWS_ENDPOINT_URL=" + stack.EndpointURL,
		"AWS_REGION=" + stack.Region, "AWS_ACCESS_KEY_ID=" + stack.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + stack.SecretAccessKey,
	}
	for name, value := range environment(t, name) {
		command.Env = append(command.Env, name+"="+value)
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = command.Process.Kill()
		_ = command.Wait() // returns that the process was killed
	}
	select {
	case got := <-api.answer:
		end()
		return got
	case <-time.After(patience):
		end()
		t.Fatalf("%s did not respond within %v: %s", logicalID, patience, output.String())
		return ""
	}
}

// deployedBinary downloads the binary of a deployed function.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
func deployedBinary(t testing.TB, function string) string {
	t.Helper()
	got := awsCall(t, "lambda", http.MethodGet, "/2015-03-31/functions/"+function, nil, http.Header{}, administrator(t))
	var configuration struct{ Code struct{ Location string } }
	if err := json.Unmarshal([]byte(got.Body), &configuration); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, configuration.Code.Location, nil)
	if err != nil {
		t.Fatal(err)
	}
	code := do(t, request).Body
	archive, err := zip.NewReader(strings.NewReader(code), int64(len(code)))
	if err != nil {
		t.Fatalf("the code of %s: %v", function, err)
	}
	file, err := archive.Open("bootstrap")
	if err != nil {
		t.Fatalf("the code of %s: %v", function, err)
	}
	binary, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	written, path := filepath.Join(t.TempDir(), "written"), filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(written, binary, 0o700); err != nil {
		t.Fatal(err)
	}
	// A process that another test starts meanwhile holds the written file open until
	// its exec, and Linux executes no file that is open for writing ("text file busy",
	// https://github.com/golang/go/issues/22315). Nothing holds the copy open.
	if out, err := exec.CommandContext(t.Context(), "cp", written, path).CombinedOutput(); err != nil {
		t.Fatalf("copy the binary: %v %s", err, out)
	}
	return path
}

// untouched fails the test if anything but the function's runtime sent a request.
func (api *runtimeAPI) untouched(t testing.TB) {
	t.Helper()
	api.mu.Lock()
	defer api.mu.Unlock()
	for _, request := range api.stolen {
		t.Errorf("the Runtime API got %s: a receiver could read every event of the batch", request)
	}
}
