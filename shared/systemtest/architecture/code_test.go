package architecture_test

import (
	"go/ast"
	"go/token"
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

// TestPackagesHaveNoState: constructors take SDK clients and clocks, so that tests
// can run in parallel and a warm function behaves like a cold one. Error values and
// tables that no code changes are not state.
func TestPackagesHaveNoState(t *testing.T) {
	t.Parallel()
	changed := make(map[string]bool) // folder, space, name
	for _, file := range goFiles(t) {
		for _, name := range changedNames(file.ast) {
			changed[file.folder()+" "+name] = true
		}
	}
	for _, file := range goFiles(t) {
		if isTest(file.name) {
			continue
		}
		for _, declaration := range file.ast.Decls {
			group, is := declaration.(*ast.GenDecl)
			if !is || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				variable, _ := spec.(*ast.ValueSpec)
				table := isTable(variable) && !changed[file.folder()+" "+variable.Names[0].Name]
				if !table && !isSentinel(variable) && !isEmbedded(group) && !(supportsTests(file.name) && isOnce(variable)) {
					t.Errorf("%s: %s is a package variable and neither an error nor an unexported table that no code changes; pass it in", file.where(spec), variable.Names[0].Name)
				}
			}
		}
	}
}

// isSentinel reports whether a variable is an error value or the assertion that a
// type implements an interface.
func isSentinel(v *ast.ValueSpec) bool {
	for i, name := range v.Names {
		if name.Name == "_" {
			continue
		}
		if i >= len(v.Values) || !strings.HasPrefix(strings.ToLower(name.Name), "err") {
			return false
		}
		call, isCall := v.Values[i].(*ast.CallExpr)
		if !isCall {
			return false
		}
		selector, isSelector := call.Fun.(*ast.SelectorExpr)
		if !isSelector || !slices.Contains([]string{"New", "Errorf"}, selector.Sel.Name) {
			return false
		}
	}
	return true
}

// isTable reports whether a variable is unexported and initialised with one literal
// or one call of a constructor of immutable values.
func isTable(v *ast.ValueSpec) bool {
	if len(v.Names) != 1 || len(v.Values) != 1 || v.Names[0].IsExported() {
		return false
	}
	call, isCall := v.Values[0].(*ast.CallExpr)
	if !isCall {
		_, isLiteral := v.Values[0].(*ast.CompositeLit)
		return isLiteral
	}
	selector, isSelector := call.Fun.(*ast.SelectorExpr)
	immutable := []string{"NewReplacer", "MustCompile", "MustParsePrefix", "MustParseAddr", "AddrFrom4"}
	return isSelector && slices.Contains(immutable, selector.Sel.Name)
}

// changedNames returns the names of the variables that the file changes: it assigns
// to them or to their keys and fields, takes their address, or deletes from them.
func changedNames(file *ast.File) []string {
	var names []string
	add := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
				continue
			case *ast.SelectorExpr:
				e = x.X
				continue
			case *ast.Ident:
				names = append(names, x.Name)
			}
			return
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE { // := declares another variable
				for _, target := range n.Lhs {
					add(target)
				}
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				add(n.X)
			}
		case *ast.CallExpr:
			if f, is := n.Fun.(*ast.Ident); is && slices.Contains([]string{"delete", "clear"}, f.Name) {
				add(n.Args[0])
			}
		}
		return true
	})
	return names
}

// isEmbedded reports whether a variable is an embedded file. The compiler embeds
// files in package variables only.
func isEmbedded(group *ast.GenDecl) bool {
	return group.Doc != nil && strings.HasPrefix(group.Doc.List[len(group.Doc.List)-1].Text, "//go:embed ")
}

// isOnce reports whether a variable is a sync.OnceValue function, with which the
// tests of a process share a value.
func isOnce(v *ast.ValueSpec) bool {
	for _, value := range v.Values {
		call, isCall := value.(*ast.CallExpr)
		if !isCall {
			return false
		}
		selector, isSelector := call.Fun.(*ast.SelectorExpr)
		if !isSelector || !slices.Contains([]string{"OnceValue", "OnceValues"}, selector.Sel.Name) {
			return false
		}
	}
	return len(v.Values) > 0
}

// TestFunctionsReturnTheirErrors refuses calls that end the process.
func TestFunctionsReturnTheirErrors(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, node := range file.calls("log", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln") {
			t.Errorf("%s ends the process: return the error; the caller at the edge logs it once", file.where(node))
		}
		if file.folder() == "shared/aws/boot" || isTest(file.name) {
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
