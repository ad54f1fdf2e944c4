package e2e_test

import (
	"go/format"
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

// TestTheGuidesProducersPublish runs the programs that the guide gives
// producers. There is no JDK where this runs: of the Java program it sends the
// text that the program would send.
func TestTheGuidesProducersPublish(t *testing.T) {
	t.Parallel()
	tests := []struct {
		language string
		publish  func(t *testing.T, program string)
		id, data string
	}{
		{"go", runGo, "env-42-created", `{"environment_id":42}`},
		{"python", runPython, "env-43-created", `{"environment_id": 43}`},
		{"java", sendTextBlock, "env-44-created", `{"environment_id": 44}`},
	}
	for _, test := range tests {
		t.Run(test.language, func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), newReceiver(t, ok)
			made := c.webhook(r.URL, "environment.created")
			test.publish(t, strings.ReplaceAll(producer(t, test.language), "acme", c.id))

			got := r.next(t)
			got.verify(t, made.Secret)
			if got.ID() != test.id || !strings.HasSuffix(got.Body, `"data":`+test.data+`}`) {
				t.Errorf("the receiver got %s %s, want %s with the data %s", got.ID(), got.Body, test.id, test.data)
			}
		})
	}
}

// producer returns the one program in that language that reads the queue's URL.
func producer(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(cloudtest.Path(".docs", "publishing.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?\n)```\n").FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(block[1], "EVENTS_QUEUE_URL") {
			found = append(found, block[1])
		}
	}
	if len(found) != 1 || !strings.Contains(found[0], "acme") {
		t.Fatalf("publishing.md has %d programs in %s that publish, want one for the tenant acme", len(found), language)
	}
	return found[0]
}

func runGo(t *testing.T, program string) {
	t.Helper()
	formatted, err := format.Source([]byte(program))
	if err != nil || string(formatted) != program {
		t.Errorf("the program is not as gofmt has it (%v)", err)
	}
	run(t, program, "main.go", "go", "run", "-modfile=.ci/readme.mod")
}

func runPython(t *testing.T, program string) {
	t.Helper()
	run(t, program, "publish.py", cloudtest.Path(".local", "venv", "cloud", "bin", "python"))
}

func sendTextBlock(t *testing.T, program string) {
	t.Helper()
	block := regexp.MustCompile(`(?s)String event = """\n(.*?)""";`).FindStringSubmatch(program)
	if block == nil {
		t.Fatalf("no text block holds the event:\n%s", program)
	}
	publish(t, block[1])
}

// run puts the program into a file and hands that to the command, with the
// environment that the guide asks for.
func run(t *testing.T, program, name string, command ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), command[0], append(command[1:], file)...)
	process.Dir = cloudtest.Path()
	// The functions' flags, so that Go's cache has most of it built.
	ours := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "AWS_") })
	process.Env = append(ours, "CGO_ENABLED=0", "GOFLAGS="+os.Getenv(lambdatest.EnvGoFlags),
		"EVENTS_QUEUE_URL="+deployed(t).EventsQueueURL, "AWS_DEFAULT_REGION="+deployed(t).Region)
	getenv := cloudtest.Getenv(t, nil)
	for _, variable := range []string{"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		process.Env = append(process.Env, variable+"="+getenv(variable))
	}
	if out, err := process.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
