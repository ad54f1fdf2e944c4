// Package cloudtest gives a test the local cloud: tables made of the template's
// own definitions, queues, the environment of a function, and sample events.
//
// A test that asks for it fails when no local cloud runs; it is never skipped.
package cloudtest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"webhooks/shared/aws/boot"
)

// EnvStack names the environment variable that holds the path of the stack
// file. Without it the file is the one `make test-up` writes.
const EnvStack = "WEBHOOKS_STACK"

// notRunning is what a developer reads who ran `go test` alone.
const notRunning = "this test needs the local cloud: run make test, or make test-up first"

// StackFile is what the stack file knows about the local cloud. What belongs to the
// deployed stack is empty until it is deployed. The file of a stack on AWS, which
// make smoke writes, has no EndpointURL, and perhaps a SessionToken.
type StackFile struct {
	StackName       string `json:"stack_name"`
	EndpointURL     string `json:"endpoint_url"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
	APIURL          string `json:"api_url"`
	APIKey          string `json:"api_key"`
	TenantID        string `json:"tenant_id"`
	EventsQueueURL  string `json:"events_queue_url"`
	EventBusName    string `json:"event_bus_name"`
	// CallsFile is where the cloud writes down what the functions' roles are used
	// for, LogFile its own log.
	CallsFile string `json:"calls_file"`
	LogFile   string `json:"log_file"`
	// JWKSURL is where the stack looks for the keys of JWTs, on loopback.
	JWKSURL string `json:"jwks_url"`
}

// Stack reads the stack file. The test fails when there is none.
func Stack(t testing.TB) StackFile {
	t.Helper()
	path := os.Getenv(EnvStack)
	if path == "" {
		path = Path(".local", "test", "stack.json")
	}
	text, err := os.ReadFile(path) // #nosec G304 -- the developer names the file, and only tests read it
	if err != nil {
		t.Fatalf("%s (%v)", notRunning, err)
	}
	var stack StackFile
	if err := json.Unmarshal(text, &stack); err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	if stack.EndpointURL == "" && stack.APIURL == "" {
		t.Fatalf("%s (%s has no endpoint_url and no api_url)", notRunning, path)
	}
	return stack
}

// Path returns the path of something in the repository.
func Path(elements ...string) string {
	_, file, _, _ := runtime.Caller(0) // <root>/shared/testkit/cloudtest/cloudtest.go
	root := filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(file))))
	return filepath.Join(append([]string{root}, elements...)...)
}

// Event returns the sample event events/<name>.
func Event(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(Path("events", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Getenv returns the environment of a function: its own variables, and those by
// which Lambda tells the SDK where and who it is.
func Getenv(t testing.TB, variables map[string]string) func(string) string {
	t.Helper()
	all := environment(Stack(t))
	maps.Copy(all, variables)
	return func(name string) string { return all[name] }
}

// Config returns the SDK's configuration, made as the functions make theirs.
func Config(t testing.TB) aws.Config {
	t.Helper()
	settings := boot.NewSettings(Getenv(t, nil))
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func environment(stack StackFile) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":      stack.EndpointURL,
		"AWS_REGION":            stack.Region,
		"AWS_ACCESS_KEY_ID":     stack.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": stack.SecretAccessKey,
		"AWS_SESSION_TOKEN":     stack.SessionToken,
	}
}
