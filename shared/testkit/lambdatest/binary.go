package lambdatest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"webhooks/shared/testkit/cloudtest"
)

// EnvGoFlags is the environment variable with the flags that `sam build` passes to
// Go. The make targets set it.
const EnvGoFlags = "WEBHOOKS_GOFLAGS"

// Binary builds a function as `sam build` does and returns the path of its binary. It
// does not use the build of sam, which may be older than the code under test. Go
// caches the packages, so only the link step takes time.
func Binary(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./functions/"+folder) // #nosec G204 -- the test names the folder
	build.Dir = cloudtest.Path()
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+os.Getenv(EnvGoFlags))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, out)
	}
	return path
}
