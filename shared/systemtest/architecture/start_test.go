package architecture_test

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryFunctionIsStartedInATest: package starttest checks that a function
// names each setting that it cannot start without. Two functions have no settings.
func TestEveryFunctionIsStartedInATest(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		if slices.Contains([]string{"get-openapi", "unknown-route"}, f.folder) {
			continue
		}
		folder := "functions/" + f.folder + "/"
		if !slices.ContainsFunc(goFiles(t), func(file goFile) bool {
			return strings.HasPrefix(file.name, folder) && isTest(file.name) && strings.Contains(read(t, file.name), `starttest.Check(t, build, "`+f.name+`"`)
		}) {
			t.Errorf("%s: add a test that calls starttest.Check(t, build, %q)", folder, f.name)
		}
	}
}
