package architecture_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// codeMap is the page that explains the packages.
const codeMap = "shared/README.md"

// TestTheMapListsEveryPackage checks that the map has each package once and no other.
func TestTheMapListsEveryPackage(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, file := range goFiles(t) {
		if folder, inShared := strings.CutPrefix(file.folder(), "shared/"); inShared {
			want = append(want, folder)
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	for _, part := range pageNamed(t, codeMap).parts() {
		for _, table := range part.tables() {
			if table.head[0] != "package" {
				continue
			}
			for _, row := range table.rows {
				got = append(got, plainText(row[0]))
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the packages of %s are not those below shared/ (-packages +page):\n%s", codeMap, diff)
	}
}

// TestTheMapFindsWhatItNames looks for the named symbols in the linked file or
// folder.
func TestTheMapFindsWhatItNames(t *testing.T) {
	t.Parallel()
	p := pageNamed(t, codeMap)
	for _, row := range p.part(t, "Where to find").tables()[0].rows {
		target := linkTarget.FindStringSubmatch(row[1])
		if target == nil {
			t.Errorf("%s: %q has no link", codeMap, row[0])
			continue
		}
		place, _, _ := p.resolve(target[1])
		var text strings.Builder
		for _, name := range files(t) {
			if name == place || path.Dir(name) == place && !isTest(name) {
				text.WriteString(read(t, name))
			}
		}
		for _, symbol := range codeSpan.FindAllStringSubmatch(row[2], -1) {
			if !regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(symbol[1]) + `(\W|$)`).MatchString(text.String()) {
				t.Errorf("%s: %s has no %s", codeMap, place, symbol[1])
			}
		}
	}
}
