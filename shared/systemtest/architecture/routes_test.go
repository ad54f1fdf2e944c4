package architecture_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth"
	"webhooks/shared/testkit/openapitest"
)

// TestEveryFunctionHasOneNameEverywhere: a reader finds the code of a function by its
// name in the template.
func TestEveryFunctionHasOneNameEverywhere(t *testing.T) {
	t.Parallel()
	var inTemplate []string
	for _, f := range functions(t) {
		inTemplate = append(inTemplate, f.folder)
		if want := camel(f.folder, "-") + "Function"; f.name != want {
			t.Errorf("%s has its code in functions/%s: want it named %s, the same noun at every level", f.name, f.folder, want)
		}
	}
	slices.Sort(inTemplate)
	if diff := cmp.Diff(functionFolders(t), inTemplate); diff != "" {
		t.Errorf("the folders in functions/ and the functions of template.yaml differ, and one without the other is unused (-folders +template):\n%s", diff)
	}
}

// TestRouteTablesAreTheTemplates compares each page's table of routes with the
// template, and its scopes with the OpenAPI document.
func TestRouteTablesAreTheTemplates(t *testing.T) {
	t.Parallel()
	want := map[string][]string{} // folder, scope and status of success by route
	for _, f := range functions(t) {
		for _, route := range f.routes {
			want[route] = []string{f.folder, "", ""}
		}
	}
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			row := want[method+" "+path]
			row[1], row[2] = "none", "200"
			if scope := openapitest.Scope(o); scope != "" {
				row[1] = scope
			}
			for status := range o.Responses.Map() {
				if strings.HasPrefix(status, "2") {
					row[2] = status
				}
			}
		}
	}
	for _, name := range []string{readme, chineseReadme, reference} {
		got := map[string][]string{}
		for _, part := range pageNamed(t, name).parts() {
			for _, table := range part.tables() {
				if len(table.head) < 4 || !strings.HasPrefix(plainText(table.rows[0][1]), "/api/") {
					continue
				}
				for _, row := range table.rows {
					route := plainText(row[0]) + " " + plainText(row[1])
					scope, _, _ := strings.Cut(strings.ReplaceAll(plainText(row[3]), "无", "none"), ",")
					got[route] = []string{plainText(row[2]), scope, want[route][2]}
					if i := table.column("success"); i > 0 {
						got[route][2] = row[i]
					}
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the table of routes of %s is not that of the template and the OpenAPI document (-want +page):\n%s", name, diff)
		}
	}
}

// TestRoutesCheckTheScopeOfTheDocument compares the scope that each handler
// requires with the OpenAPI document.
func TestRoutesCheckTheScopeOfTheDocument(t *testing.T) {
	t.Parallel()
	want, got := map[string]string{}, map[string]string{}
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			want[method+" "+path] = openapitest.Scope(o)
		}
	}
	for _, file := range goFiles(t) {
		if !strings.HasPrefix(file.name, "functions/") || isTest(file.name) {
			continue
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			if route, scope, is := routeLiteral(node); is {
				got[route] = scope
			}
			return true
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the scopes that the handlers require are not those of openapi.json (-document +code):\n%s", diff)
	}
}

// routeLiteral reads httpapi.Route{Pattern: "GET /api/…", Scope: auth.LogsRead}.
func routeLiteral(node ast.Node) (route, scope string, is bool) {
	literal, isLiteral := node.(*ast.CompositeLit)
	if !isLiteral {
		return "", "", false
	}
	for _, element := range literal.Elts {
		pair, isPair := element.(*ast.KeyValueExpr)
		if !isPair {
			continue
		}
		switch key, _ := pair.Key.(*ast.Ident); {
		case key == nil:
		case key.Name == "Pattern":
			route = unquoted(pair.Value)
		case key.Name == "Scope":
			constant, _ := pair.Value.(*ast.SelectorExpr)
			for _, s := range auth.Scopes() {
				if constant != nil && constant.Sel.Name == camel(string(s), ":") {
					scope = string(s)
				}
			}
		}
	}
	return route, scope, strings.Contains(route, " /api/")
}

// TestHandlersServeTheRoutesOfTheTemplate: a handler with another pattern would answer
// 404 to the requests of API Gateway.
func TestHandlersServeTheRoutesOfTheTemplate(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(`^[A-Z]+ /api/`)
	for _, f := range functions(t) {
		var got []string
		for _, file := range goFiles(t) {
			if !strings.HasPrefix(file.name, "functions/"+f.folder+"/") || isTest(file.name) {
				continue
			}
			for _, literal := range file.strings() {
				if pattern.MatchString(literal) {
					got = append(got, literal)
				}
			}
		}
		if diff := cmp.Diff(f.routes, got); diff != "" {
			t.Errorf("functions/%s does not serve the routes that template.yaml sends to it (-template +code):\n%s", f.folder, diff)
		}
	}
}

// TestUnknownRouteKnowsTheOthers: unknown-route lists the methods of a path in a 405.
func TestUnknownRouteKnowsTheOthers(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, f := range functions(t) {
		want = append(want, f.routes...)
	}
	for _, file := range goFiles(t) {
		if file.name == "functions/unknown-route/handler.go" {
			got = knownRoutes(t, file)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the routes in functions/unknown-route are not those of template.yaml: it would answer 404 instead of 405, or list a wrong method (-template +code):\n%s", diff)
	}
}

// TestOpenAPIDocumentHasTheRoutesOfTheTemplate compares the document with the template.
func TestOpenAPIDocumentHasTheRoutesOfTheTemplate(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, f := range functions(t) {
		want = append(want, f.routes...)
	}
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the routes in shared/httpapi/openapi/openapi.json are not those of template.yaml (-template +document):\n%s", diff)
	}
}

// knownRoutes reads the map literal that func routes returns.
func knownRoutes(t testing.TB, file goFile) []string {
	t.Helper()
	var routes []string
	for _, declaration := range file.ast.Decls {
		f, isFunction := declaration.(*ast.FuncDecl)
		if !isFunction || f.Name.Name != "routes" {
			continue
		}
		ast.Inspect(f.Body, func(node ast.Node) bool {
			pair, isPair := node.(*ast.KeyValueExpr)
			if !isPair {
				return true
			}
			path := unquoted(pair.Key)
			ast.Inspect(pair.Value, func(node ast.Node) bool {
				if method := unquoted(node); method != "" {
					routes = append(routes, method+" "+path)
				}
				return true
			})
			return false
		})
	}
	if len(routes) == 0 {
		t.Fatal("functions/unknown-route/handler.go has no func routes that returns a map literal, which this test reads")
	}
	return routes
}

// camel joins the words of a name in CamelCase.
func camel(name, separator string) string {
	var joined strings.Builder
	for word := range strings.SplitSeq(name, separator) {
		joined.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return joined.String()
}
