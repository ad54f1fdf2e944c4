package architecture_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// TestEveryReasonOfADeadLetterIsExplained checks that .docs/operating.md and make
// letters explain every reason of shared/deadletter/reasons.json.
func TestEveryReasonOfADeadLetterIsExplained(t *testing.T) {
	t.Parallel()
	var list []struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(read(t, "shared/deadletter/reasons.json")), &list); err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, r := range list {
		reasons = append(reasons, r.Reason)
	}
	slices.Sort(reasons)

	shown := make(map[string]bool)
	for line := range strings.Lines(chapter(t, operating, "## Dead letters")) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, match := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				shown[match[1]] = true
			}
		}
	}
	if diff := cmp.Diff(reasons, slices.Sorted(maps.Keys(shown))); diff != "" {
		t.Errorf(operating+", Dead letters (-reasons +shown):\n%s", diff)
	}
	listing := read(t, ".tools/operate/letters.py")
	for _, reason := range reasons {
		if !strings.Contains(listing, `"`+reason+`"`) {
			t.Errorf(".tools/operate/letters.py does not say what to do about %s", reason)
		}
	}
}
