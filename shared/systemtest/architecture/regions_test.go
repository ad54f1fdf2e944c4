package architecture_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// TestEveryRegionOfThePageIsChecked compares the regions of the operating page with those
// for which `make lint` checks the template.
func TestEveryRegionOfThePageIsChecked(t *testing.T) {
	t.Parallel()
	var settings struct{ Regions []string }
	if err := yaml.Unmarshal([]byte(read(t, ".ci/cfn-lint.yaml")), &settings); err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, row := range pageNamed(t, operating).part(t, "Regions").tables()[0].rows {
		for _, match := range region.FindAllString(plainText(row[0]), -1) {
			if slices.Contains(named, match) {
				t.Errorf("%s has %s in two rows", operating, match)
			}
			named = append(named, match)
		}
	}
	slices.Sort(named)
	slices.Sort(settings.Regions)
	if diff := cmp.Diff(settings.Regions, named); diff != "" {
		t.Errorf("the regions of %s are not those of .ci/cfn-lint.yaml (-lint +page):\n%s", operating, diff)
	}
}

// TestRegionsWithoutLoopDetectionAreInThePage compares the condition of the template with
// the page: the dispatcher needs RecursiveLoop wherever Lambda detects loops.
func TestRegionsWithoutLoopDetectionAreInThePage(t *testing.T) {
	t.Parallel()
	condition := encoded(at(section(t, "Conditions"), "HasLoopDetection"))
	if !strings.Contains(condition, "AWS::Partition") {
		t.Errorf("HasLoopDetection is %s, want it in the partition aws only", condition)
	}
	want := region.FindAllString(condition, -1)
	var got []string
	for _, row := range pageNamed(t, operating).part(t, "Regions").tables()[0].rows {
		if strings.Contains(row[1], "leaves out `RecursiveLoop`") {
			got = append(got, region.FindAllString(plainText(row[0]), -1)...)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("regions without recursive loop detection (-template +page):\n%s", diff)
	}
}

var region = regexp.MustCompile(`\b[a-z]{2}(-gov)?-[a-z]+-[0-9]\b`)
