package architecture_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery/deadletter"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/delivery/fanout"
)

// TestEveryReasonOfADeadLetterIsExplained: an operator who finds a letter finds
// its reason in .docs/operating.md and in make letters, with what to do. Two are not the
// functions' own: SQS and EventBridge do not say why.
func TestEveryReasonOfADeadLetterIsExplained(t *testing.T) {
	t.Parallel()
	const notOurs = "received_too_often not_sent_by_the_bus"
	reasons := append(strings.Fields(notOurs), deadletter.TooManyReceives, fanout.Conflict, dispatch.Unreadable, dispatch.BodyMissing)
	for _, match := range regexp.MustCompile(`Reason += "([a-z_]+)"`).FindAllStringSubmatch(read(t, "shared/event/decode.go"), -1) {
		reasons = append(reasons, match[1])
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
