package webhook

import "time"

// The limits of tests: the test route lets a caller send a request to any receiver and
// wait for its answer, which occupies an execution of the account.
const (
	// TestInterval is the shortest time between two tests of a webhook.
	TestInterval = 5 * time.Second
	// TestTimeout is the longest attempt of a test.
	TestTimeout = 5 * time.Second
	// TestLease is the longest time for which a test that does not end keeps the
	// tenant from another. It is the timeout of the function, after which Lambda has
	// ended the test.
	TestLease = 15 * time.Second
)
