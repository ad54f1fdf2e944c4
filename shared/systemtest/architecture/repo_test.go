package architecture_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"webhooks/shared/testkit/cloudtest"
)

// files returns the paths of the repository's files, with slashes. It includes new
// files that are not ignored, so that the rules hold before a commit.
func files(t testing.TB) []string {
	t.Helper()
	list, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var listed = sync.OnceValues(func() ([]string, error) {
	command := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = cloudtest.Path()
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var list []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(cloudtest.Path(name)); err == nil { // skip deleted files
			list = append(list, name)
		}
	}
	if !slices.Contains(list, "template.yaml") {
		return nil, errors.New("git ls-files does not list template.yaml")
	}
	slices.Sort(list)
	return slices.Compact(list), nil
})

// read returns the text of a file of the repository.
func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(cloudtest.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// functionFolders returns the names of the folders in functions/.
func functionFolders(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, name := range files(t) {
		if parts := strings.Split(name, "/"); parts[0] == "functions" && len(parts) > 2 {
			list = append(list, parts[1])
		}
	}
	return slices.Compact(list)
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// supportsTests reports whether a file is in a package for tests (…test).
func supportsTests(name string) bool { return strings.HasSuffix(path.Dir(name), "test") }
