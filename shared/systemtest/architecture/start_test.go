package architecture_test

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryFunctionIsStartedInATest: package starttest checks that a function
// names each setting that it cannot start without.
func TestEveryFunctionIsStartedInATest(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		folder := "functions/" + f.folder + "/"
		uses := func(inTests bool, text string) bool {
			return slices.ContainsFunc(goFiles(t), func(file goFile) bool {
				return strings.HasPrefix(file.name, folder) && isTest(file.name) == inTests && strings.Contains(read(t, file.name), text)
			})
		}
		if uses(false, "settings.") && !uses(true, `starttest.Check(t, build, "`+f.name+`"`) {
			t.Errorf("%s reads settings: add a test that calls starttest.Check(t, build, %q)", folder, f.name)
		}
	}
}
