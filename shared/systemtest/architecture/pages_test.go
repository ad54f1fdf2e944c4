package architecture_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// page is a Markdown file of the repository.
type page struct {
	name    string // with slashes, from the root
	text    string
	anchors map[string]bool // the anchors of its headings
	links   []span          // their targets
	code    []span          // the text between backticks
	blocks  []block
}

// span is a part of a line.
type span struct {
	line int // from 1
	text string
}

// block is a fenced code block.
type block struct {
	line     int    // of the opening fence, from 1
	language string // "" without one
	text     string
}

// pages returns every Markdown file.
func pages(t testing.TB) []page {
	t.Helper()
	var list []page
	for _, name := range files(t) {
		if path.Ext(name) == ".md" {
			list = append(list, parsePage(name, read(t, name)))
		}
	}
	return list
}

// pageNamed returns one Markdown file.
func pageNamed(t testing.TB, name string) page {
	t.Helper()
	return parsePage(name, read(t, name))
}

var (
	headingLine  = regexp.MustCompile(`^(#{1,6}) +(.*?)(?: +#+)? *$`)
	fenceLine    = regexp.MustCompile("^ *```+ *([a-z]*)")
	codeSpan     = regexp.MustCompile("`([^`]+)`")
	linkTarget   = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?: +"[^"]*")?\)`)
	htmlTarget   = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	linkWithText = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// parsePage reads the parts of GitHub Flavored Markdown that the tests need:
// headings that begin with #, links with their target in parentheses, HTML
// attributes, code spans of one line and fenced blocks.
func parsePage(name, text string) page {
	p := page{name: name, text: text, anchors: map[string]bool{}}
	var open *block
	for i, line := range strings.Split(text, "\n") {
		fence := fenceLine.FindStringSubmatch(line)
		switch {
		case fence != nil && open == nil:
			open = &block{line: i + 1, language: fence[1]}
			continue
		case fence != nil:
			p.blocks, open = append(p.blocks, *open), nil
			continue
		case open != nil:
			open.text += line + "\n"
			continue
		}
		if heading := headingLine.FindStringSubmatch(line); heading != nil {
			p.addAnchor(heading[2])
		}
		for _, match := range codeSpan.FindAllStringSubmatch(line, -1) {
			p.code = append(p.code, span{i + 1, match[1]})
		}
		prose := codeSpan.ReplaceAllString(line, "")
		for _, target := range []*regexp.Regexp{linkTarget, htmlTarget} {
			for _, match := range target.FindAllStringSubmatch(prose, -1) {
				p.links = append(p.links, span{i + 1, match[1]})
			}
		}
	}
	return p
}

// addAnchor adds the anchor that GitHub gives a heading. A heading whose anchor
// is taken gets a number: "limits", "limits-1".
func (p page) addAnchor(heading string) {
	first := anchorOf(heading)
	anchor := first
	for n := 1; p.anchors[anchor]; n++ {
		anchor = fmt.Sprintf("%s-%d", first, n)
	}
	p.anchors[anchor] = true
}

// anchorOf returns the anchor of a heading by GitHub's rules: the text without
// markup, in lower case, without punctuation, with a hyphen for each space.
// Chinese characters are letters and stay. GitHub removes /[^\p{Word}\- ]/,
// where Word means letters, marks, decimal digits and connecting punctuation.
func anchorOf(heading string) string {
	text := linkWithText.ReplaceAllString(heading, "$1")
	text = strings.NewReplacer("`", "", "*", "").Replace(text)
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd, unicode.Pc):
			return r
		}
		return -1
	}, strings.ToLower(strings.TrimSpace(text)))
}

func TestAnchorsAreGitHubs(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string]string{
		"Run it here":                    "run-it-here",
		"Speed & cost":                   "speed--cost",
		"`make run`, the first time":     "make-run-the-first-time",
		"What is promised?":              "what-is-promised",
		"At [Limits](#limits) *and* not": "at-limits-and-not",
		"snake_case":                     "snake_case",
		"快速开始":                           "快速开始",
		"部署到 AWS（生产环境）":                  "部署到-aws生产环境",
	} {
		if got := anchorOf(heading); got != want {
			t.Errorf("the anchor of %q is %q, want %q", heading, got, want)
		}
	}
	p := parsePage("page.md", "# A\n\n## B\n\n```sh\n# no heading\n```\n\n## B\n")
	for _, anchor := range []string{"a", "b", "b-1"} {
		if !p.anchors[anchor] {
			t.Errorf("the anchors are %v, want %s among them", p.anchors, anchor)
		}
	}
	if len(p.anchors) != 3 || len(p.blocks) != 1 || p.blocks[0].text != "# no heading\n" {
		t.Errorf("anchors %v and blocks %v, want three headings and one block", p.anchors, p.blocks)
	}
}

// part is a heading of a page with the text below it, up to the next heading.
type part struct {
	level string // "##"
	title string
	text  string
}

// parts returns the parts of the page. The text before the first heading is left
// out.
func (p page) parts() []part {
	var list []part
	fenced := false
	for line := range strings.Lines(p.text) {
		fenced = fenced != fenceLine.MatchString(line)
		if heading := headingLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); heading != nil && !fenced {
			list = append(list, part{level: heading[1], title: heading[2]})
		} else if len(list) > 0 {
			list[len(list)-1].text += line
		}
	}
	return list
}

// part returns the part with the title.
func (p page) part(t testing.TB, title string) part {
	t.Helper()
	for _, found := range p.parts() {
		if found.title == title {
			return found
		}
	}
	t.Fatalf("%s has no heading %q", p.name, title)
	return part{}
}

// table is a table of a page.
type table struct {
	head []string
	rows [][]string
}

// tables returns the tables below a heading.
func (p part) tables() []table {
	var list []table
	inTable := false
	for line := range strings.Lines(p.text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inTable = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch last := len(list) - 1; {
		case !inTable:
			list, inTable = append(list, table{head: cells}), true
		case !strings.HasPrefix(cells[0], "---"):
			list[last].rows = append(list[last].rows, cells)
		}
	}
	return list
}

// column returns the number of a column, or -1 without one.
func (t table) column(name string) int { return slices.Index(t.head, name) }

// plainText returns a cell without links and backticks.
func plainText(cell string) string {
	return strings.ReplaceAll(linkWithText.ReplaceAllString(cell, "$1"), "`", "")
}
