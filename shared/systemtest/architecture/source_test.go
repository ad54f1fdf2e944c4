package architecture_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"

	"webhooks/shared/testkit/cloudtest"
)

// goFile is a parsed Go file of the repository.
type goFile struct {
	name  string // with slashes, from the root
	set   *token.FileSet
	ast   *ast.File
	lines int
}

// goFiles returns every Go file except the programs in .docs/examples, which are
// examples of customers' code. The files are parsed once.
func goFiles(t testing.TB) []goFile {
	t.Helper()
	list, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var parsed = sync.OnceValues(func() ([]goFile, error) {
	names, err := listed()
	if err != nil {
		return nil, err
	}
	var list []goFile
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.HasPrefix(name, ".docs/") || strings.HasPrefix(name, ".ci/") {
			continue
		}
		source, err := os.ReadFile(cloudtest.Path(name))
		if err != nil {
			return nil, err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		list = append(list, goFile{name, set, file, bytes.Count(source, []byte{'\n'})})
	}
	return list, nil
})

// folder returns the package's folder.
func (f goFile) folder() string { return path.Dir(f.name) }

// where returns the position of a node for a message.
func (f goFile) where(node ast.Node) string { return f.set.Position(node.Pos()).String() }

// imports returns the import paths.
func (f goFile) imports() []string {
	var list []string
	for _, spec := range f.ast.Imports {
		list = append(list, unquoted(spec.Path))
	}
	return list
}

// calls returns the nodes that use one of the names of the package at importPath,
// under whatever name the file imports it.
func (f goFile) calls(importPath string, names ...string) []ast.Node {
	local := ""
	for _, spec := range f.ast.Imports {
		if unquoted(spec.Path) == importPath {
			local = path.Base(importPath)
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	var found []ast.Node
	ast.Inspect(f.ast, func(node ast.Node) bool {
		if selector, is := node.(*ast.SelectorExpr); is && local != "" {
			if x, isName := selector.X.(*ast.Ident); isName && x.Name == local {
				for _, name := range names {
					if selector.Sel.Name == name {
						found = append(found, node)
					}
				}
			}
		}
		return true
	})
	return found
}

// strings returns the string literals.
func (f goFile) strings() []string {
	var list []string
	ast.Inspect(f.ast, func(node ast.Node) bool {
		if text := unquoted(node); text != "" {
			list = append(list, text)
		}
		return true
	})
	return list
}

// unquoted returns the value of a string literal, and "" for other nodes.
func unquoted(node ast.Node) string {
	literal, is := node.(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return text
}
