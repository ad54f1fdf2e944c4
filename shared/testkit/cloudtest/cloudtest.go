// Package cloudtest gives tests the local cloud: tables from the definitions in
// template.yaml, queues, the environment of a function, and sample events.
//
// A test that uses it fails if no local cloud runs. It is never skipped.
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

// EnvStack is the environment variable with the path of the stack file. The default
// is the file that `make test-up` writes.
const EnvStack = "WEBHOOKS_STACK"

// notRunning is the failure of a test that runs without the local cloud.
const notRunning = "this test needs the local cloud: run make test, or make test-up first"

// StackFile is the content of the stack file: the local cloud and the stack in it.
// The fields of the stack are empty until it is deployed. The file of a stack on AWS,
// which `make smoke` writes, has no EndpointURL and may have a SessionToken.
type StackFile struct {
	StackName   string `json:"stack_name"`
	EndpointURL string `json:"endpoint_url"`
	// DNSSuffix ends the names of AWS's endpoints in the region: amazonaws.com, or
	// another one outside the partition aws. It is empty if EndpointURL is set.
	DNSSuffix       string `json:"dns_suffix"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
	APIURL          string `json:"api_url"`
	APIKey          string `json:"api_key"`
	TenantID        string `json:"tenant_id"`
	EventsQueueURL  string `json:"events_queue_url"`
	EventBusName    string `json:"event_bus_name"`
	// CallsFile is the file in which the local cloud records the AWS calls of each
	// role. LogFile is the log of the local cloud.
	CallsFile string `json:"calls_file"`
	LogFile   string `json:"log_file"`
	// JWKSURL is the loopback URL from which the stack fetches the keys of JWTs.
	JWKSURL string `json:"jwks_url"`
}

// Stack reads the stack file. The test fails if there is none.
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

// Path returns the absolute path of a file or folder of the repository.
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

// Getenv returns the environment of a function: the given variables and those that
// Lambda sets for the SDK.
func Getenv(t testing.TB, variables map[string]string) func(string) string {
	t.Helper()
	all := environment(Stack(t))
	maps.Copy(all, variables)
	return func(name string) string { return all[name] }
}

// Config returns the SDK's configuration, as the functions make it.
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
