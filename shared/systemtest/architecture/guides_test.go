package architecture_test

import (
	"fmt"
	"go/format"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
)

// The pages whose tables the tests check.
const (
	operating = ".docs/operating.md"
	security  = ".docs/security.md"
	costs     = ".docs/cost.md"

	receiving        = ".docs/receiving.md"
	chineseReceiving = ".docs/receiving.zh-CN.md"
)

// chapter returns the section of a page from a heading to the next heading of
// the same level or a higher one.
func chapter(t testing.TB, name, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(read(t, name), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", name, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	for n := len(level); n > 1; n-- {
		after, _, _ = strings.Cut(after, "\n"+level[:n]+" ")
	}
	return after
}

// checkTable compares the rows of the first table in a section of a page with
// want, each with its pipes. A failure prints the rows to copy.
func checkTable(t testing.TB, name, heading string, want []string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(chapter(t, name, heading)) {
		isRow := strings.HasPrefix(line, "|")
		if !isRow && len(got) > 0 {
			break
		}
		if isRow {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if len(got) < 2 {
		t.Fatalf("%s, %s, has no table", name, heading)
	}
	if diff := cmp.Diff(want, got[2:]); diff != "" {
		t.Errorf("the table of %s, %s (-source +page):\n%s\nThe rows are:\n%s", name, heading, diff, strings.Join(want, "\n"))
	}
}

// TestPagesQuoteThePrograms compares the programs in the pages with the files in
// .docs/examples, which shared/systemtest/e2e runs.
func TestPagesQuoteThePrograms(t *testing.T) {
	t.Parallel()
	const folder = ".docs/examples/"
	programs := make(map[string]string) // names by text
	for _, name := range files(t) {
		if strings.HasPrefix(name, folder) {
			programs[read(t, name)] = name
		}
		if strings.HasPrefix(name, folder) && strings.HasSuffix(name, ".go") {
			if formatted, err := format.Source([]byte(read(t, name))); err != nil || string(formatted) != read(t, name) {
				t.Errorf("%s is not formatted by gofmt (%v)", name, err)
			}
		}
	}
	shown := make(map[string]bool)
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			name, is := programs[b.text]
			shown[name] = true
			if !is && slices.Contains([]string{"go", "python", "java", "js"}, b.language) {
				t.Errorf("%s:%d has a program that is not a file of %s: nothing runs it", p.name, b.line, folder)
			}
		}
	}
	for _, name := range programs {
		if !shown[name] {
			t.Errorf("no page shows %s", name)
		}
	}
}

// TestTheRetryTablesAreTheSchedule compares the waits in the guide for receivers, in
// both languages, with the default of RetrySchedule.
func TestTheRetryTablesAreTheSchedule(t *testing.T) {
	t.Parallel()
	schedule, err := delivery.ParseSchedule(text(section(t, "Parameters"), "RetrySchedule", "Default"))
	if err != nil {
		t.Fatal(err)
	}
	english := units{second: "s", minute: "min", hour: "h", minuteOfHour: "min"}
	chinese := units{second: "秒", minute: "分钟", hour: "小时", minuteOfHour: "分"}
	for _, guide := range []struct {
		name, heading, wait, since string
		units
	}{
		{receiving, "## Retries", "wait before it", "time since the first", english},
		{chineseReceiving, "## 重试", "此前等待", "距第一次", chinese},
	} {
		waits, since, total := "| "+guide.wait+" | |", "| "+guide.since+" | 0 |", time.Duration(0)
		for _, wait := range schedule {
			total += wait
			waits += " " + guide.of(wait) + " |"
			since += " " + guide.of(total) + " |"
		}
		checkTable(t, guide.name, guide.heading, []string{waits, since})
	}
}

// units are the names of units of time in a language.
type units struct{ second, minute, hour, minuteOfHour string }

// of writes a duration, in whole minutes if it is a minute or longer.
func (u units) of(d time.Duration) string {
	hours, minutes := int(d.Hours()), int(d.Minutes())%60
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d %s", int(d.Seconds()), u.second)
	case hours == 0:
		return fmt.Sprintf("%d %s", minutes, u.minute)
	case minutes == 0:
		return fmt.Sprintf("%d %s", hours, u.hour)
	}
	return fmt.Sprintf("%d %s %d %s", hours, u.hour, minutes, u.minuteOfHour)
}
