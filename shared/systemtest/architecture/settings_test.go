package architecture_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEverySettingIsRead: a setting without an effect misleads operators. The test
// checks that the template uses each parameter and the code reads each variable of
// a function's environment.
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
				t.Errorf("%s has %s in its environment, but no code reads it", f.name, name)
			}
		}
	}
}
