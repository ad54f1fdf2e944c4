package architecture_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSmokeRunsTestsThatExist: go test succeeds if its pattern matches no test.
func TestSmokeRunsTestsThatExist(t *testing.T) {
	t.Parallel()
	var exist []string
	function := regexp.MustCompile(`(?m)^func Test(\w+)\(`)
	for _, name := range files(t) {
		if strings.HasPrefix(name, "shared/systemtest/e2e/") {
			for _, match := range function.FindAllStringSubmatch(read(t, name), -1) {
				exist = append(exist, match[1])
			}
		}
	}
	source := read(t, ".tools/operate/smoke_tests.py")
	_, list, _ := strings.Cut(source, "WITHOUT_RECEIVER = (")
	list, _, _ = strings.Cut(list, "\n)\n")
	named := regexp.MustCompile(`[A-Z]\w{6,}`).FindAllString(list, -1)
	if len(named) < 10 {
		t.Fatalf(".tools/operate/smoke_tests.py names %d tests, which this test reads from WITHOUT_RECEIVER", len(named))
	}
	for _, name := range named {
		if !slices.Contains(exist, name) {
			t.Errorf(".tools/operate/smoke_tests.py runs Test%s, which shared/systemtest/e2e does not have: it would run nothing", name)
		}
	}
}
