package architecture_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTopLevelIsFixed: the owner of the repository chose the files and folders at the
// top level.
func TestTopLevelIsFixed(t *testing.T) {
	t.Parallel()
	fixed := []string{
		"functions", "shared", "events", "template.yaml", "samconfig.toml", "Makefile", "go.mod", "README.md",
		"go.sum", "LICENSE",
	}
	for _, name := range files(t) {
		top, _, _ := strings.Cut(name, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(fixed, top) {
			t.Errorf("%s: the top level of the repository is fixed; only dotfiles may be added", name)
		}
	}
	for _, name := range fixed {
		if !slices.ContainsFunc(files(t), func(f string) bool { return f == name || strings.HasPrefix(f, name+"/") }) {
			t.Errorf("%s is missing: the top level of the repository is fixed", name)
		}
	}
}

// TestNoFileNamesARegistry: the machine that builds chooses its package registries.
func TestNoFileNamesARegistry(t *testing.T) {
	t.Parallel()
	hosts := regexp.MustCompile(`proxy\.golang\.` + `org|sum\.golang\.` + `org|files\.python` + `hosted\.org|pypi\.` + `org|registry\.npm` +
		`js\.org|registry-1\.docker\.` + `io|artifac` + `tory|--index-` + `url|--extra-index-` + `url|GOPRO` + `XY=|PIP_INDEX_` + `URL=`)
	for _, name := range files(t) {
		if found := hosts.FindString(read(t, name)); found != "" {
			t.Errorf("%s names %q: builds use the registries of their machine, and this one may not be reachable there", name, found)
		}
	}
}

// TestBuildsAreNeverCached: SAM's cache ignores changes in shared/.
func TestBuildsAreNeverCached(t *testing.T) {
	t.Parallel()
	const reason = "SAM hashes CodeUri only, and would deploy stale code after a change in shared/"
	cached := regexp.MustCompile(`(?m)^\s*cached\s*=\s*(\S+)`)
	for _, match := range cached.FindAllStringSubmatch(read(t, "samconfig.toml"), -1) {
		if match[1] != "false" {
			t.Errorf("samconfig.toml says cached = %s: %s", match[1], reason)
		}
	}
	for _, name := range files(t) {
		if name == "Makefile" || name == "samconfig.toml" || strings.HasPrefix(name, ".") {
			if strings.Contains(read(t, name), "--cached\"") || strings.Contains(read(t, name), "build --cached") {
				t.Errorf("%s builds with --cached: %s", name, reason)
			}
		}
	}
}
