package architecture_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// TestNothingHappensAtImport refuses func init.
func TestNothingHappensAtImport(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, declaration := range file.ast.Decls {
			if f, is := declaration.(*ast.FuncDecl); is && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init runs without a call and cannot return an error; call it in build", file.where(f))
			}
		}
	}
}

// TestFunctionsReturnTheirErrors refuses calls that end the process. The driver of
// make isolation is a program of its own, whose exit code is its result.
func TestFunctionsReturnTheirErrors(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, node := range file.calls("log", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln") {
			t.Errorf("%s ends the process: return the error; the caller at the edge logs it once", file.where(node))
		}
		if file.folder() == "shared/aws/boot" || file.name == "shared/systemtest/isolation/main.go" || isTest(file.name) {
			continue
		}
		for _, node := range file.calls("os", "Exit") {
			t.Errorf("%s ends the process: only package boot may, if a function cannot be built", file.where(node))
		}
	}
}

// TestTestsWaitForSignals refuses time.Sleep in tests.
func TestTestsWaitForSignals(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		fakeClock := slices.Contains(file.imports(), "testing/synctest")
		if fakeClock || !isTest(file.name) && !supportsTests(file.name) {
			continue
		}
		for _, node := range file.calls("time", "Sleep") {
			t.Errorf("%s sleeps, which is too short on a busy machine and too long on others: wait for a signal or use the clock of testing/synctest", file.where(node))
		}
	}
}

// TestEveryTestRuns refuses build tags and skipped tests.
func TestEveryTestRuns(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if !isTest(file.name) {
			continue
		}
		for _, group := range file.ast.Comments {
			if strings.HasPrefix(group.List[0].Text, "//go:"+"build") {
				t.Errorf("%s has a build tag: a test that is not compiled every day stops compiling", file.where(group))
			}
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			selector, is := node.(*ast.SelectorExpr)
			if is && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) && isTestingValue(selector.X) {
				t.Errorf("%s skips a test, so a passing run proves nothing: let it fail, or test it another way", file.where(node))
			}
			return true
		})
	}
}

// isTestingValue reports whether an expression has a usual name of a testing.T.
func isTestingValue(x ast.Expr) bool {
	name, is := x.(*ast.Ident)
	return is && slices.Contains([]string{"t", "tb", "b", "f"}, name.Name)
}

// TestFilesAreShort checks the length of every Go file.
func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	const longest = 300
	for _, file := range goFiles(t) {
		if file.lines > longest {
			t.Errorf("%s has %d lines, want at most %d: split it by subject", file.name, file.lines, longest)
		}
	}
}
