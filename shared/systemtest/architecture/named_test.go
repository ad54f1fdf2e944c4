package architecture_test

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// rowsWithTests returns the rows of the table below a heading, without the head. It
// checks that the tests in the last cell of each row exist.
func rowsWithTests(t *testing.T, page, heading string, columns int) [][]string {
	t.Helper()
	tests := testNames(t)
	name := regexp.MustCompile("`([A-Za-z0-9]+)`")
	var rows [][]string
	head := true
	for line := range strings.Lines(chapter(t, page, heading)) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != columns || !strings.HasPrefix(line, "|") {
			continue
		}
		if head {
			head = !strings.HasPrefix(cells[0], "---")
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
		found := name.FindAllStringSubmatch(cells[columns-1], -1)
		if len(found) == 0 {
			t.Errorf("%s, %s: no test in the row: %s", page, heading, line)
		}
		for _, match := range found {
			if !tests[match[1]] {
				t.Errorf("%s, %s: the test %s does not exist: %s", page, heading, match[1], line)
			}
		}
	}
	return rows
}

// testNames returns the names of all tests. It includes string literals, because
// TestMain of shared/systemtest/e2e names its last tests in them.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, file := range goFiles(t) {
		if !isTest(file.name) {
			continue
		}
		for _, declaration := range file.ast.Decls {
			if f, is := declaration.(*ast.FuncDecl); is && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
		for _, literal := range file.strings() {
			names[literal] = true
		}
	}
	return names
}
