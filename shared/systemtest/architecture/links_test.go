package architecture_test

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryLinkLeadsSomewhere follows every link of every Markdown file within
// the repository, to the file and to the heading.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	byName := map[string]page{}
	for _, p := range pages(t) {
		byName[p.name] = p
	}
	for _, p := range byName {
		for _, link := range p.links {
			file, anchor, local := p.resolve(link.text)
			if !local {
				continue
			}
			if !isFileOrFolder(t, file) {
				t.Errorf("%s:%d links to %s, which is not a file of the repository", p.name, link.line, link.text)
				continue
			}
			if target, isPage := byName[file]; anchor != "" && (!isPage || !target.anchors[anchor]) {
				t.Errorf("%s:%d links to %s, and %s has no heading with the anchor #%s", p.name, link.line, link.text, file, anchor)
			}
		}
	}
}

// resolve returns the file and the anchor that a link of the page leads to. The
// link is local when it leads to a file of this repository.
func (p page) resolve(target string) (file, anchor string, local bool) {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return "", "", false
	}
	file, anchor, _ = strings.Cut(target, "#")
	if decoded, err := url.PathUnescape(anchor); err == nil {
		anchor = decoded
	}
	if file == "" {
		return p.name, anchor, true
	}
	return path.Join(path.Dir(p.name), file), anchor, true
}

func isFileOrFolder(t testing.TB, name string) bool {
	t.Helper()
	return slices.ContainsFunc(files(t), func(f string) bool { return f == name || strings.HasPrefix(f, name+"/") })
}

// TestEveryPageIsReachable: readers begin at README.md, and a page that no link
// leads to is not read.
func TestEveryPageIsReachable(t *testing.T) {
	t.Parallel()
	byName := map[string]page{}
	for _, p := range pages(t) {
		byName[p.name] = p
	}
	reached, next := map[string]bool{}, []string{readme}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if p, isPage := byName[name]; isPage && !reached[name] {
			reached[name] = true
			for _, link := range p.links {
				if file, _, local := p.resolve(link.text); local {
					next = append(next, file)
				}
			}
		}
	}
	for name := range byName {
		if !reached[name] {
			t.Errorf("no chain of links leads from README.md to %s", name)
		}
	}
}

// TestLinksToOtherSites checks that they use https and that none leads to a package
// registry, which a reader may not reach. See also TestNoFileNamesARegistry.
func TestLinksToOtherSites(t *testing.T) {
	t.Parallel()
	registries := []string{"npm" + "js.com", "pypi" + ".org", "pkg.go" + ".dev", "maven" + ".org", "mvnrepository" + ".com", "hub.docker" + ".com", "sonatype" + ".com"}
	for _, p := range pages(t) {
		for _, link := range p.links {
			if _, _, local := p.resolve(link.text); local || strings.HasPrefix(link.text, "mailto:") {
				continue
			}
			address, err := url.Parse(link.text)
			if err != nil || address.Scheme != "https" {
				t.Errorf("%s:%d links to %s, want https", p.name, link.line, link.text)
				continue
			}
			for _, host := range registries {
				if address.Hostname() == host || strings.HasSuffix(address.Hostname(), "."+host) {
					t.Errorf("%s:%d links to the registry %s", p.name, link.line, host)
				}
			}
		}
	}
}

// TestPagesNameWhatExists: a test, a file or a make target that a page names
// between backticks exists.
func TestPagesNameWhatExists(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	targets := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[match[1]] = true
	}
	testName := regexp.MustCompile(`^(?:Test|Fuzz)[A-Z][A-Za-z0-9]*$`)
	repoPath := regexp.MustCompile(`^(?:functions|shared|events|\.tools|\.docs|\.github|\.ci)/[A-Za-z0-9_./-]*$`)
	command := regexp.MustCompile(`(?m)(?:^|\$\()make (?:-s )?([a-z][a-z-]*)`)
	for _, p := range pages(t) {
		for _, code := range p.code {
			if testName.MatchString(code.text) && !tests[code.text] {
				t.Errorf("%s:%d names the test %s, which does not exist", p.name, code.line, code.text)
			}
			if repoPath.MatchString(code.text) && !isFileOrFolder(t, strings.TrimSuffix(code.text, "/")) {
				t.Errorf("%s:%d names %s, which is not a file of the repository", p.name, code.line, code.text)
			}
		}
		commands := p.code
		for _, b := range p.blocks {
			commands = append(commands, span{b.line, b.text})
		}
		for _, c := range commands {
			for _, match := range command.FindAllStringSubmatch(c.text, -1) {
				if !targets[match[1]] {
					t.Errorf("%s:%d says make %s, and the Makefile has no such target", p.name, c.line, match[1])
				}
			}
		}
	}
}
