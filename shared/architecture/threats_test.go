package architecture_test

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// TestThreatsNameTestsThatExist: the table of threats is worth what its tests are.
func TestThreatsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := make(map[string]bool)
	for _, file := range goFiles(t) {
		if !isTest(file.name) {
			continue
		}
		for _, declaration := range file.ast.Decls {
			if f, is := declaration.(*ast.FuncDecl); is && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
		for _, literal := range file.strings() {
			tests[literal] = true // those that TestMain of shared/e2e runs at the end
		}
	}
	name := regexp.MustCompile("`((?:Test|Fuzz|No)[A-Z]?[A-Za-z0-9]+)`")
	rows := 0
	for line := range strings.Lines(chapter(t, "### Threats")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.HasPrefix(cells[0], "---") || strings.TrimSpace(cells[0]) == "who" {
			continue
		}
		rows++
		found := name.FindAllStringSubmatch(cells[3], -1)
		if len(found) == 0 {
			t.Errorf("README.md: no test shows what stops %s", strings.TrimSpace(cells[1]))
		}
		for _, match := range found {
			if !tests[match[1]] {
				t.Errorf("README.md: there is no test %s, which it says stops %s", match[1], strings.TrimSpace(cells[1]))
			}
		}
	}
	if rows < 10 {
		t.Errorf("README.md has %d threats in its table, want who attacks, what they try, what stops them and which test shows it", rows)
	}
}
