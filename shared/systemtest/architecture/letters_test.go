package architecture_test

import (
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestTheReasonTableIsTheList compares the reasons of dead letters in the page
// with the list that `make letters` prints.
func TestTheReasonTableIsTheList(t *testing.T) {
	t.Parallel()
	var list []struct {
		Reason   string `json:"reason"`
		Happened string `json:"happened"`
		Do       string `json:"do"`
	}
	if err := json.Unmarshal([]byte(read(t, "shared/deadletter/reasons.json")), &list); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range list {
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", r.Reason, r.Happened, r.Do))
	}
	checkTable(t, operating, "## Dead letters", want)
}
