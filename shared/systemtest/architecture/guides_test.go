package architecture_test

import (
	"go/format"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The pages whose tables the tests check.
const (
	operating = ".docs/operating.md"
	security  = ".docs/security.md"
	costs     = ".docs/cost.md"
)

// chapter returns the section of a page from a heading to the next heading of
// the same level or a higher one.
func chapter(t testing.TB, name, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(read(t, name), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", name, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	for n := len(level); n > 1; n-- {
		after, _, _ = strings.Cut(after, "\n"+level[:n]+" ")
	}
	return after
}

// checkTable compares the rows of the first table in a section of a page with
// want, each with its pipes. A failure prints the rows to copy.
func checkTable(t testing.TB, name, heading string, want []string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(chapter(t, name, heading)) {
		isRow := strings.HasPrefix(line, "|")
		if !isRow && len(got) > 0 {
			break
		}
		if isRow {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if len(got) < 2 {
		t.Fatalf("%s, %s, has no table", name, heading)
	}
	if diff := cmp.Diff(want, got[2:]); diff != "" {
		t.Errorf("the table of %s, %s (-source +page):\n%s\nThe rows are:\n%s", name, heading, diff, strings.Join(want, "\n"))
	}
}

// TestPagesQuoteThePrograms compares the programs in the pages with the files in
// .docs/examples, which shared/systemtest/e2e runs.
func TestPagesQuoteThePrograms(t *testing.T) {
	t.Parallel()
	const folder = ".docs/examples/"
	programs := make(map[string]string) // names by text
	for _, name := range files(t) {
		if strings.HasPrefix(name, folder) {
			programs[read(t, name)] = name
		}
		if strings.HasPrefix(name, folder) && strings.HasSuffix(name, ".go") {
			if formatted, err := format.Source([]byte(read(t, name))); err != nil || string(formatted) != read(t, name) {
				t.Errorf("%s is not formatted by gofmt (%v)", name, err)
			}
		}
	}
	shown := make(map[string]bool)
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			name, is := programs[b.text]
			shown[name] = true
			if !is && slices.Contains([]string{"go", "python", "java", "js"}, b.language) {
				t.Errorf("%s:%d has a program that is no file of %s: nothing runs it", p.name, b.line, folder)
			}
		}
	}
	for _, name := range programs {
		if !shown[name] {
			t.Errorf("no page shows %s", name)
		}
	}
}
