package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// TestExampleProducersPublish runs the producers of .docs/examples. The tests
// need no JDK: for Java they send the message of the program.
func TestExampleProducersPublish(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file     string
		publish  func(t *testing.T, file string)
		id, data string
	}{
		{"publish.go", runProducer, "env-42-created", `{"environment_id":42}`},
		{"publish.py", runProducer, "env-43-created", `{"environment_id": 43}`},
		{"Publish.java", publishTextBlock, "env-44-created", `{"environment_id": 44}`},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), newReceiver(t, ok)
			made := c.webhook(r.URL, "environment.created")
			program, err := os.ReadFile(cloudtest.Path(".docs", "examples", test.file))
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(t.TempDir(), test.file)
			if err := os.WriteFile(copied, []byte(strings.ReplaceAll(string(program), "acme", c.id)), 0o600); err != nil {
				t.Fatal(err)
			}
			test.publish(t, copied)

			got := r.next(t)
			got.verify(t, made.Secret)
			if got.ID() != test.id || !strings.HasSuffix(got.Body, `"data":`+test.data+`}`) {
				t.Errorf("the receiver got %s %s, want %s with the data %s", got.ID(), got.Body, test.id, test.data)
			}
		})
	}
}

// runProducer runs a program with the environment that .docs/publishing.md asks for,
// behind a proxy that cannot be reached.
func runProducer(t *testing.T, file string) {
	t.Helper()
	getenv := cloudtest.Getenv(t, nil)
	variables := []string{"EVENTS_QUEUE_URL=" + deployed(t).EventsQueueURL, "AWS_DEFAULT_REGION=" + deployed(t).Region}
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		variables = append(variables, name+"="+getenv(name))
	}
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		variables = append(variables, name+"=http://127.0.0.1:9")
	}
	variables = append(variables, exceptionsOfTheGuide(t)...)
	if out, err := exampleCommand(t, file, variables...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, out)
	}
}

// exceptionsOfTheGuide returns the variables by which .docs/publishing.md excepts the
// local cloud from a proxy.
func exceptionsOfTheGuide(t *testing.T) []string {
	t.Helper()
	guide, err := os.ReadFile(cloudtest.Path(".docs", "publishing.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?i)\bno_proxy=\S+`).FindAllString(string(guide), -1)
	if len(found) < 2 {
		t.Fatalf("the guide sets %v, want NO_PROXY and no_proxy: programs differ in the spelling that they read", found)
	}
	return found
}

// publishTextBlock sends the message in the text block of a Java program.
func publishTextBlock(t *testing.T, file string) {
	t.Helper()
	program, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)String event = """\n(.*?)""";`).FindSubmatch(program)
	if block == nil {
		t.Fatalf("no text block holds the event:\n%s", program)
	}
	publish(t, string(block[1]))
}

// exampleCommand returns the command that runs a program of .docs/examples. Its
// environment has the variables and no other variable for AWS.
func exampleCommand(t *testing.T, file string, variables ...string) *exec.Cmd {
	t.Helper()
	ours := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "AWS_") })
	command := []string{file}
	switch filepath.Ext(file) {
	case ".go":
		command = []string{filepath.Join(t.TempDir(), "program")}
		build := exec.CommandContext(t.Context(), "go", "build", "-modfile=.ci/examples.mod", "-o", command[0], file)
		build.Dir = cloudtest.Path()
		// The flags of the functions: Go's cache has most packages already.
		build.Env = append(ours, "CGO_ENABLED=0", "GOFLAGS="+os.Getenv(lambdatest.EnvGoFlags))
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", file, err, out)
		}
	case ".py":
		command = []string{cloudtest.Path(".local", "venv", "cloud", "bin", "python"), file}
	case ".mjs":
		command = []string{"node", file}
	}
	process := exec.CommandContext(t.Context(), command[0], command[1:]...)
	process.Env = append(ours, variables...)
	return process
}
