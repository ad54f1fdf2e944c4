package architecture_test

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// TestEveryFunctionIsSmallAndTested checks main.go, the tests and the sample event.
func TestEveryFunctionIsSmallAndTested(t *testing.T) {
	t.Parallel()
	const longest = 60
	for _, folder := range functionFolders(t) {
		main := "functions/" + folder + "/main.go"
		if !slices.Contains(files(t), main) {
			t.Errorf("%s is missing: it wires the function, and readers begin there", main)
			continue
		}
		if n := strings.Count(read(t, main), "\n"); n > longest {
			t.Errorf("%s has %d lines, want at most %d: it only wires; rules belong in shared/", main, n, longest)
		}
		tests := testsOf(t, folder)
		if tests == "" {
			t.Errorf("functions/%s has no test: want one that invokes the function as Lambda does", folder)
		}
		sample := folder + ".json"
		if !slices.Contains(files(t), "events/"+sample) {
			t.Errorf("events/%s is missing: `sam local invoke` needs one sample event for each function", sample)
		}
		if tests != "" && !strings.Contains(tests, `"`+sample+`"`) {
			t.Errorf("the tests of functions/%s do not load events/%s: a sample without a test becomes outdated", folder, sample)
		}
	}
}

// TestEverySampleEventHasItsFunction checks the names in events/.
func TestEverySampleEventHasItsFunction(t *testing.T) {
	t.Parallel()
	for _, name := range files(t) {
		if sample, is := strings.CutPrefix(name, "events/"); is {
			if folder := strings.TrimSuffix(sample, ".json"); !slices.Contains(functionFolders(t), folder) {
				t.Errorf("%s is not the sample of a function: events/ holds <function>.json only", name)
			}
		}
	}
}

// testsOf returns the text of a function's tests.
func testsOf(t testing.TB, folder string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range files(t) {
		if path.Dir(name) == "functions/"+folder && isTest(name) {
			text.WriteString(read(t, name))
		}
	}
	return text.String()
}
