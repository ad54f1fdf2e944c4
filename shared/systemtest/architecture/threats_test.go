package architecture_test

import "testing"

// TestThreatsNameTestsThatExist checks the tests in the table of threats.
func TestThreatsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	if rows := rowsWithTests(t, security, "## Threats", 4); len(rows) < 10 {
		t.Errorf("%s has %d threats in its table, want at least 10", security, len(rows))
	}
}
