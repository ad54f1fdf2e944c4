package architecture_test

import (
	"go/ast"
	"strings"
	"testing"
)

// TestEveryPackageIsIntroducedOnce checks for one package comment each.
func TestEveryPackageIsIntroducedOnce(t *testing.T) {
	t.Parallel()
	comments := make(map[string]int)
	for _, file := range goFiles(t) {
		if isTest(file.name) {
			continue
		}
		comments[file.folder()] += 0
		if file.ast.Doc != nil {
			comments[file.folder()]++
		}
	}
	for folder, n := range comments {
		if n != 1 {
			t.Errorf("%s has %d package comments, want one: `go doc` shows it first", folder, n)
		}
	}
}

// TestExportedSymbolsAreDocumented checks for a comment that begins with the name.
func TestExportedSymbolsAreDocumented(t *testing.T) {
	t.Parallel()
	const reason = "its users read the units, limits and errors there"
	for _, file := range goFiles(t) {
		if isTest(file.name) || file.ast.Name.Name == "main" {
			continue
		}
		for _, declaration := range file.ast.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && isExportedReceiver(d.Recv) && !begins(d.Doc, d.Name.Name) {
					t.Errorf("%s: want a comment that begins with %s: %s", file.where(d), d.Name.Name, reason)
				}
			case *ast.GenDecl:
				for _, undocumented := range undocumentedSpecs(d) {
					t.Errorf("%s: %s has no comment: %s", file.where(undocumented), undocumented.Name, reason)
				}
			}
		}
	}
}

// undocumentedSpecs returns the exported names of a declaration without a comment
// of their own, of their group or at the end of the line.
func undocumentedSpecs(d *ast.GenDecl) []*ast.Ident {
	var list []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && !begins(d.Doc, s.Name.Name) && !begins(s.Doc, s.Name.Name) {
				list = append(list, s.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					list = append(list, name)
				}
			}
		}
	}
	return list
}

// begins reports whether a comment begins with a name, with or without an article.
func begins(comment *ast.CommentGroup, name string) bool {
	words := strings.Fields(comment.Text())
	if len(words) > 1 && (words[0] == "A" || words[0] == "An" || words[0] == "The") {
		words = words[1:]
	}
	return len(words) > 0 && strings.TrimRight(words[0], ",:.'s") == strings.TrimRight(name, "s")
}

// isExportedReceiver reports whether a function has no receiver or an exported one.
func isExportedReceiver(receiver *ast.FieldList) bool {
	if receiver == nil {
		return true
	}
	kind := receiver.List[0].Type
	if pointer, is := kind.(*ast.StarExpr); is {
		kind = pointer.X
	}
	if generic, is := kind.(*ast.IndexExpr); is {
		kind = generic.X
	}
	name, is := kind.(*ast.Ident)
	return is && name.IsExported()
}
