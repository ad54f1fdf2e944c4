package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestPackagesHaveNoState: constructors take SDK clients and clocks, so that tests
// can run in parallel and a warm function behaves like a cold one. Error values and
// tables that no code changes are not state.
func TestPackagesHaveNoState(t *testing.T) {
	t.Parallel()
	folders := make(map[string]*changes)
	for _, file := range goFiles(t) {
		if folders[file.folder()] == nil {
			folders[file.folder()] = new(changes)
		}
		folders[file.folder()].add(file.ast)
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
				table := isTable(variable, folders[file.folder()])
				if !table && !isSentinel(variable) && !isEmbedded(group) && !(supportsTests(file.name) && isOnce(variable)) {
					t.Errorf("%s: %s is a package variable and neither an error nor an unexported table that no code changes; pass it in", file.where(spec), variable.Names[0].Name)
				}
			}
		}
	}
}

func TestTablesAreToldFromState(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		`var v = map[string]int{"a": 1}`:                                            true,
		`var v = [...]string{"a"}; func f() []string { return slices.Clone(v[:]) }`: true,
		`type k struct{ a string }; func (k k) f() {}; var v = k{"a"}`:              true,
		`var v = strings.NewReplacer("a", "b")`:                                     true,
		`var V = []string{"a"}`:                                                     false,
		`var v int`:                                                                 false,
		`var v = time.Now()`:                                                        false,
		`var v = sync.Map{}`:                                                        false,
		`var v = &k{}`:                                                              false,
		`type k struct{ n int }; func (k *k) f() { k.n++ }; var v = k{}`:            false,
		`var v = map[string]int{}; func f() { v["a"] = 1 }`:                         false,
		`var v = map[string]int{}; func f() { delete(v, "a") }`:                     false,
		`var v = map[string]int{}; func f() { maps.Copy(v, nil) }`:                  false,
		`var v = []int{1}; func f() { v[0]++ }`:                                     false,
		`var v = []int{1}; func f() { copy(v[1:], v) }`:                             false,
		`var v = []int{1}; func f() { slices.Sort(v) }`:                             false,
		`var v = []int{1}; func f() { for v[0] = range 3 { } }`:                     false,
		`var v = [1]int{1}; func f() *int { return &v[0] }`:                         false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		var c changes
		c.add(file)
		for _, declaration := range file.Decls {
			if group, is := declaration.(*ast.GenDecl); is && group.Tok == token.VAR {
				variable, _ := group.Specs[0].(*ast.ValueSpec)
				if got := isTable(variable, &c); got != want {
					t.Errorf("%s: a table: %t, want %t", code, got, want)
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

// isTable reports whether a variable is unexported, never changes, and is
// initialised with a literal or with a constructor of immutable values. A literal of
// another package's type may be anything: a sync.Map, for example.
func isTable(v *ast.ValueSpec, c *changes) bool {
	if len(v.Names) != 1 || len(v.Values) != 1 || v.Names[0].IsExported() || slices.Contains(c.variables, v.Names[0].Name) {
		return false
	}
	switch value := v.Values[0].(type) {
	case *ast.CallExpr:
		selector, is := value.Fun.(*ast.SelectorExpr)
		immutable := []string{"NewReplacer", "MustCompile", "MustParsePrefix", "MustParseAddr", "AddrFrom4"}
		return is && slices.Contains(immutable, selector.Sel.Name)
	case *ast.CompositeLit:
		switch of := value.Type.(type) {
		case *ast.MapType, *ast.ArrayType:
			return true
		case *ast.Ident:
			return !slices.Contains(c.types, of.Name)
		}
	}
	return false
}

// changes are what the code of a package can change.
type changes struct {
	variables []string // by assignment, by address, or in place
	types     []string // by a method with a pointer receiver
}

// add adds what a file of the package can change. A name counts in every scope.
func (c *changes) add(file *ast.File) {
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil {
				if star, is := n.Recv.List[0].Type.(*ast.StarExpr); is {
					c.types = append(c.types, rootName(star.X))
				}
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE { // := declares another variable
				c.change(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				c.change(n.Key, n.Value)
			}
		case *ast.IncDecStmt:
			c.change(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				c.change(n.X)
			}
		case *ast.CallExpr:
			if changesItsArgument(n.Fun) {
				c.change(n.Args[0])
			}
		}
		return true
	})
}

func (c *changes) change(list ...ast.Expr) {
	for _, e := range list {
		c.variables = append(c.variables, rootName(e))
	}
}

// rootName returns the variable of an expression such as v.field[key][1:].
func rootName(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// changesItsArgument reports whether a call of the function changes the map or slice
// that is its first argument.
func changesItsArgument(function ast.Expr) bool {
	switch f := function.(type) {
	case *ast.Ident:
		return slices.Contains([]string{"delete", "clear", "copy"}, f.Name)
	case *ast.SelectorExpr:
		in := map[string][]string{
			"maps": {"Copy", "DeleteFunc", "Insert"},
			"slices": {
				"Compact", "CompactFunc", "Delete", "DeleteFunc", "Insert", "Replace",
				"Reverse", "Sort", "SortFunc", "SortStableFunc",
			},
			"sort": {"Float64s", "Ints", "Slice", "SliceStable", "Sort", "Stable", "Strings"},
		}
		return slices.Contains(in[rootName(f.X)], f.Sel.Name)
	}
	return false
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
