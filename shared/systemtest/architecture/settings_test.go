package architecture_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEverySettingIsRead: a limit that an operator sets and nobody looks at is
// worse than none. It follows each parameter into the template and each
// variable of a function's environment into the code.
func TestEverySettingIsRead(t *testing.T) {
	t.Parallel()
	template := read(t, "template.yaml")
	for name := range section(t, "Parameters") {
		if !regexp.MustCompile(`!Ref ` + name + `\b|\$\{` + name + `\}`).MatchString(template) {
			t.Errorf("the template does not use its parameter %s", name)
		}
	}
	byRuntime := []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT"}
	literals := make(map[string][]string)
	for _, file := range goFiles(t) {
		if !isTest(file.name) && !supportsTests(file.name) {
			for _, literal := range file.strings() {
				literals[literal] = append(literals[literal], file.name)
			}
		}
	}
	for _, f := range functions(t) {
		variables, _ := at(f.properties, "Environment", "Variables").(map[string]any)
		for name := range variables {
			readers := func(where string) bool {
				return slices.ContainsFunc(literals[name], func(file string) bool { return strings.HasPrefix(file, where) })
			}
			if !readers("functions/"+f.folder+"/") && !readers("shared/") && !slices.Contains(byRuntime, name) {
				t.Errorf("%s has %s in its environment, and no code reads it", f.name, name)
			}
		}
	}
}
