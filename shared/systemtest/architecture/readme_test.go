package architecture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The README in English and in Chinese.
const (
	readme        = "README.md"
	chineseReadme = ".docs/README.zh-CN.md"
)

// TestTheReadmeIsShort: a newcomer reads it in five minutes.
func TestTheReadmeIsShort(t *testing.T) {
	t.Parallel()
	const longest = 220
	for _, name := range []string{readme, chineseReadme} {
		if lines := strings.Count(read(t, name), "\n"); lines > longest {
			t.Errorf("%s has %d lines, want at most %d: move details to a guide", name, lines, longest)
		}
	}
}

// TestChinesePagesFollowTheEnglish compares the headings, the code blocks, the tables
// and the links of the pages that exist in both languages.
func TestChinesePagesFollowTheEnglish(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{readme, chineseReadme}, {receiving, chineseReceiving}} {
		english, chinese := pageNamed(t, names[0]), pageNamed(t, names[1])
		for _, compare := range []struct {
			what string
			of   func(page) []string
		}{
			{"levels of the headings", headingLevels},
			{"code blocks", func(p page) []string {
				var list []string
				for _, b := range p.blocks {
					list = append(list, b.language+"\n"+b.text)
				}
				return list
			}},
			{"names and values in tables", tableCode},
			{"links", func(p page) []string { return linkedPages(p, names) }},
		} {
			if diff := cmp.Diff(compare.of(english), compare.of(chinese)); diff != "" {
				t.Errorf("the %s differ (-%s +%s):\n%s", compare.what, english.name, chinese.name, diff)
			}
		}
	}
}

func headingLevels(p page) []string {
	var list []string
	for _, part := range p.parts() {
		list = append(list, part.level)
	}
	return list
}

// tableCode returns the code spans in the rows of all tables.
func tableCode(p page) []string {
	var list []string
	for _, part := range p.parts() {
		for _, table := range part.tables() {
			for _, row := range table.rows {
				for _, match := range codeSpan.FindAllStringSubmatch(strings.Join(row, " "), -1) {
					list = append(list, match[1])
				}
			}
		}
	}
	return list
}

// linkedPages returns the sorted targets of the links. A page counts as the same in
// both languages. The links between the two versions of the page are left out.
func linkedPages(p page, versions [2]string) []string {
	var list []string
	for _, link := range p.links {
		target := link.text
		if file, anchor, local := p.resolve(target); local {
			if file == versions[0] || file == versions[1] {
				continue
			}
			target = strings.Replace(file, ".zh-CN.md", ".md", 1) + "#" + anchor
		}
		list = append(list, target)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestTheReadmeHasTheDefaults compares the main parameters with the template.
func TestTheReadmeHasTheDefaults(t *testing.T) {
	t.Parallel()
	parameters := section(t, "Parameters")
	for _, name := range []string{readme, chineseReadme} {
		checked := 0
		for _, part := range pageNamed(t, name).parts() {
			for _, table := range part.tables() {
				if !slices.Contains([]string{"parameter", "参数"}, table.head[0]) {
					continue
				}
				for _, row := range table.rows {
					parameter, shown := plainText(row[0]), plainText(row[1])
					value := text(parameters[parameter], "Default")
					begin, end, shortened := strings.Cut(shown, "…")
					switch {
					case parameters[parameter] == nil:
						t.Errorf("%s has a row for %s, which is not a parameter", name, parameter)
					case shown == value, value == "" && slices.Contains([]string{"none", "无"}, shown):
					case shortened && strings.HasPrefix(value, begin) && strings.HasSuffix(value, end):
					default:
						t.Errorf("%s says that %s is %q by default, and template.yaml %q", name, parameter, shown, value)
					}
					checked++
				}
			}
		}
		if checked != 5 {
			t.Errorf("%s has %d parameters, want the five main ones", name, checked)
		}
	}
}

// TestTheReadmeShowsTheRequestOfTheGuide compares the request with that of the
// guide for receivers, whose signature TestTheGuidesExampleVerifies checks.
func TestTheReadmeShowsTheRequestOfTheGuide(t *testing.T) {
	t.Parallel()
	request := func(name string) string {
		for _, b := range pageNamed(t, name).blocks {
			if strings.HasPrefix(b.text, "POST /webhook ") {
				return b.text
			}
		}
		t.Fatalf("%s shows no request", name)
		return ""
	}
	guide := request(receiving)
	for line := range strings.Lines(request(readme)) {
		if !strings.Contains(guide, line) {
			t.Errorf("%s shows a request with %q, which the request of the guide does not have", readme, line)
		}
	}
}
