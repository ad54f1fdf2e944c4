package e2e_test

import (
	"flag"
	"log"
	"os"
	"testing"
)

// atOnce is how many tests run beside each other. By default it would be the
// number of processors; but these tests mostly wait, for retries and slow
// receivers, and one after the other they would take minutes.
const atOnce = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		log.Print(err)
		os.Exit(1)
	}
	code := m.Run()
	// These look back on the whole run: after a part of it, too little was called
	// and logged for them to judge.
	if code == 0 && allRan() && !testing.RunTests(func(string, string) (bool, error) { return true, nil }, afterwards()) {
		code = 1
	}
	os.Exit(code)
}

// afterwards returns the tests of what all others left behind.
func afterwards() []testing.InternalTest {
	return []testing.InternalTest{
		{Name: "RolesGrantOnlyWhatIsUsed", F: rolesGrantOnlyWhatIsUsed},
		{Name: "NoLogHoldsASecret", F: noLogHoldsASecret},
	}
}

// allRan tells whether the command line chose no tests.
func allRan() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return true
}
