package architecture_test

import "testing"

// TestThreatsNameTestsThatExist: the table of threats is worth what its tests are.
func TestThreatsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	if rows := rowsWithTests(t, security, "## Threats", 4); len(rows) < 10 {
		t.Errorf("%s has %d threats in its table, want who attacks, what they try, what stops them and which test shows it", security, len(rows))
	}
}
