package architecture_test

import (
	"strings"
	"testing"
)

// The pages whose tables the tests check.
const (
	operating = ".docs/operating.md"
	security  = ".docs/security.md"
	costs     = ".docs/cost.md"
)

// chapter returns the section of a page from a heading to the next heading of
// the same level or a higher one.
func chapter(t testing.TB, name, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(read(t, name), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", name, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	for n := len(level); n > 1; n-- {
		after, _, _ = strings.Cut(after, "\n"+level[:n]+" ")
	}
	return after
}
