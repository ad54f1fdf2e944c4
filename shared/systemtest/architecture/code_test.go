package architecture_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestNothingHappensAtImport(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, declaration := range file.ast.Decls {
			if f, is := declaration.(*ast.FuncDecl); is && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init runs where nobody called it, and its failure has no error; wire it in build", file.where(f))
			}
		}
	}
}

// TestPackagesHaveNoState: SDK clients and clocks come in through constructors,
// so that tests run beside each other and a warm function is like a cold one.
// Error values and tables that no code changes are not state.
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

// isSentinel tells whether a variable is an error to compare with or the
// assertion that a type has an interface.
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

// isTable tells whether a variable is unexported and initialised with one literal
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

// changedNames returns the names that file assigns to, the keys and fields of a
// value included, and those whose address it takes or from which it deletes.
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
			if n.Tok != token.DEFINE { // := makes another variable
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

// isEmbedded tells whether a variable is a file of the repository. The compiler
// fills it in, and embeds in package variables only.
func isEmbedded(group *ast.GenDecl) bool {
	return group.Doc != nil && strings.HasPrefix(group.Doc.List[len(group.Doc.List)-1].Text, "//go:embed ")
}

// isOnce tells whether a variable is a function that always returns the same.
// It saves a test process from making something anew in each of its tests.
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

func TestFunctionsReturnTheirErrors(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, node := range file.calls("log", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln") {
			t.Errorf("%s ends the process: return the error, and the edge logs it once", file.where(node))
		}
		if file.folder() == "shared/aws/boot" || isTest(file.name) {
			continue
		}
		for _, node := range file.calls("os", "Exit") {
			t.Errorf("%s ends the process: only package boot does, when a function cannot be built", file.where(node))
		}
	}
}

func TestTestsWaitForSignals(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		fakeClock := slices.Contains(file.imports(), "testing/synctest")
		if fakeClock || !isTest(file.name) && !supportsTests(file.name) {
			continue
		}
		for _, node := range file.calls("time", "Sleep") {
			t.Errorf("%s sleeps: too short on a busy machine and too long on any other; wait for a signal or use the clock of testing/synctest", file.where(node))
		}
	}
}

func TestEveryTestRuns(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if !isTest(file.name) {
			continue
		}
		for _, group := range file.ast.Comments {
			if strings.HasPrefix(group.List[0].Text, "//go:"+"build") {
				t.Errorf("%s has a build tag: a test that is not compiled every day stops to compile", file.where(group))
			}
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			selector, is := node.(*ast.SelectorExpr)
			if is && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) && isTestingValue(selector.X) {
				t.Errorf("%s skips a test: a green run would say nothing about it; fail, or find another way to test it", file.where(node))
			}
			return true
		})
	}
}

// isTestingValue tells whether an expression is what tests call their testing.T.
func isTestingValue(x ast.Expr) bool {
	name, is := x.(*ast.Ident)
	return is && slices.Contains([]string{"t", "tb", "b", "f"}, name.Name)
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	const longest = 300
	for _, file := range goFiles(t) {
		if file.lines > longest {
			t.Errorf("%s has %d lines, want at most %d: what does not fit has more than one subject", file.name, file.lines, longest)
		}
	}
}
