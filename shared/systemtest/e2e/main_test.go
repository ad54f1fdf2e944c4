package e2e_test

import (
	"flag"
	"log"
	"os"
	"testing"
)

// parallel is how many tests run in parallel, unless the command line has -parallel, as
// that of make smoke has. The default of go test is the number of processors, but these
// tests mostly wait for retries and slow receivers.
const parallel = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", parallel); err != nil {
			log.Print(err)
			os.Exit(1)
		}
	}
	code := m.Run()
	// These tests need the calls and logs of all other tests.
	if code == 0 && allRan() && !testing.RunTests(func(string, string) (bool, error) { return true, nil }, afterwards()) {
		code = 1
	}
	os.Exit(code)
}

// given reports whether the command line sets a flag.
func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// afterwards returns the tests that examine the calls and logs of all others.
func afterwards() []testing.InternalTest {
	return []testing.InternalTest{
		{Name: "RolesGrantOnlyWhatIsUsed", F: rolesGrantOnlyWhatIsUsed},
		{Name: "NoLogHoldsASecret", F: noLogHoldsASecret},
	}
}

// allRan reports whether the command line selects no tests.
func allRan() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return true
}
