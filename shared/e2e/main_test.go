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
	os.Exit(m.Run())
}
