package architecture_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/openapitest"
)

// TestEveryFunctionHasOneNameEverywhere: who knows a route finds its code.
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
		t.Errorf("the folders in functions/ and the functions of template.yaml differ, and one without the other is dead (-folders +template):\n%s", diff)
	}
}

// TestReadmeListsEveryRoute compares the README's table with the template.
func TestReadmeListsEveryRoute(t *testing.T) {
	t.Parallel()
	want := make(map[string]string) // folder by route
	for _, f := range functions(t) {
		for _, route := range f.routes {
			want[route] = f.folder
		}
	}
	rows := regexp.MustCompile("(?m)^\\| *`?([A-Z]+)`? *\\| *`?(/[^`| ]*)`? *\\| *`?([a-z-]+)`? *\\|").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(rows) == 0 {
		t.Fatal("README.md has no route table: want rows like | POST | `/api/v1/webhooks` | `create-webhook` | …, the first thing that a reader looks for")
	}
	got := make(map[string]string)
	for _, row := range rows {
		got[row[1]+" "+row[2]] = row[3]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the route table of README.md is not that of the template, which readers would trust in vain (-template +README):\n%s", diff)
	}
}

// TestHandlersServeTheRoutesOfTheTemplate: a pattern that is not the template's
// would answer 404 to what the gateway sends it.
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

// TestUnknownRouteKnowsTheOthers: it says which methods a path takes.
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
		t.Errorf("the routes in functions/unknown-route are not those of template.yaml: it would answer 404 for 405, or name a wrong method (-template +code):\n%s", diff)
	}
}

// TestOpenAPIDocumentHasTheRoutesOfTheTemplate: clients are generated from it.
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

// TestReadmeListsEveryErrorCode: a code is never given a second meaning, so the
// list is complete or of no use.
func TestReadmeListsEveryErrorCode(t *testing.T) {
	t.Parallel()
	want, got := make(map[string]bool), make(map[string]bool)
	for reason := range apperr.Reasons() {
		want[strconv.Itoa(int(reason))] = true
	}
	for _, row := range regexp.MustCompile("(?m)^\\| *`?([0-9]{5})`? *\\|").FindAllStringSubmatch(read(t, "README.md"), -1) {
		got[row[1]] = true
	}
	if len(got) == 0 {
		t.Fatal("README.md has no table of error codes: want rows like | 40001 | … |, for whoever gets one")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the error codes of README.md are not those of package apperr (-apperr +README):\n%s", diff)
	}
}

// camel joins the words of a name, each with a capital.
func camel(name, separator string) string {
	var joined strings.Builder
	for word := range strings.SplitSeq(name, separator) {
		joined.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return joined.String()
}
