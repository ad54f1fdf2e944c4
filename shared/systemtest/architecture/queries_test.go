package architecture_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/openapitest"
)

// TestRoutesHaveTheParametersOfTheDocument: httpapi refuses a query parameter that the
// route does not name. One that only the document or only the code has would be refused
// although it is documented, or accepted in silence.
func TestRoutesHaveTheParametersOfTheDocument(t *testing.T) {
	t.Parallel()
	want, got := map[string][]string{}, map[string][]string{}
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			for _, p := range slices.Concat(item.Parameters, o.Parameters) {
				if p.Value.In == "query" {
					want[method+" "+path] = append(want[method+" "+path], p.Value.Name)
				}
			}
		}
	}
	routes := 0
	for _, file := range goFiles(t) {
		if !strings.HasPrefix(file.name, "functions/") || isTest(file.name) {
			continue
		}
		ast.Inspect(file.ast, func(n ast.Node) bool {
			literal, _ := n.(*ast.CompositeLit)
			if literal == nil {
				return true
			}
			if kind, ok := literal.Type.(*ast.SelectorExpr); !ok || kind.Sel.Name != "Route" {
				return true
			}
			texts := textsByField(literal)
			if texts["Pattern"][0] == "/" {
				return true // every other path, with any query string
			}
			routes++
			if query := texts["Query"]; len(query) > 0 {
				got[texts["Pattern"][0]] = query
			}
			return true
		})
	}
	if routes != len(functionsWithRoutes(t)) {
		t.Errorf("%d routes in the code, want one for each of the %d functions with a route", routes, len(functionsWithRoutes(t)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the query parameters of the routes are not those of the document (-document +code):\n%s", diff)
	}
}

// functionsWithRoutes returns the functions of the template that serve a route.
func functionsWithRoutes(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, f := range functions(t) {
		if len(f.routes) > 0 {
			list = append(list, f.folder)
		}
	}
	return list
}

// textsByField returns the string literals in each field of a composite literal.
func textsByField(literal *ast.CompositeLit) map[string][]string {
	texts := map[string][]string{}
	for _, element := range literal.Elts {
		field, _ := element.(*ast.KeyValueExpr)
		if field == nil {
			continue
		}
		name, _ := field.Key.(*ast.Ident)
		ast.Inspect(field.Value, func(n ast.Node) bool {
			if basic, ok := n.(*ast.BasicLit); ok && basic.Kind == token.STRING {
				text, _ := strconv.Unquote(basic.Value) // a literal of code that compiles
				texts[name.Name] = append(texts[name.Name], text)
			}
			return true
		})
	}
	return texts
}
