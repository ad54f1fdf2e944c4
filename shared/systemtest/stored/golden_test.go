package stored_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// create makes the tests write the files that are missing. It never changes one.
var create = flag.Bool("create", false, "write the golden files that are missing")

// advice says what to do when today's code writes another form.
const advice = `%s is no longer written as in %s.
Data of the old form waits in tables and queues, and the release before reads what this one writes.
Keep the file, and keep reading its form. Give the new form the next number (%s) and write it only when the release before reads it too, or ignores what is new.`

// golden is the stored text of one release.
type golden struct{ name, text string }

// goldens returns the files of a form, the oldest first: <form>.1.json,
// <form>.2.json and so on. Written is what today's code writes, or "" for a form
// that others write. compared of it must equal compared of the newest file.
func goldens(t *testing.T, form, written string, compared func(text string) string) []golden {
	t.Helper()
	var all []golden
	for n := 1; ; n++ {
		text, err := os.ReadFile(path(form, n))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, golden{filepath.Base(path(form, n)), strings.TrimSuffix(string(text), "\n")})
	}
	if len(all) == 0 {
		if !*create || written == "" {
			t.Fatalf("there is no %s. go test ./shared/systemtest/stored -create writes it:\n%s", path(form, 1), written)
		}
		if err := os.WriteFile(path(form, 1), []byte(written+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return goldens(t, form, written, compared)
	}
	newest := all[len(all)-1]
	if written == "" {
		return all
	}
	if diff := cmp.Diff(compared(newest.text), compared(written)); diff != "" {
		t.Errorf(advice+"\n-file +written today:\n%s", form, newest.name, path(form, len(all)+1), diff)
	}
	return all
}

// TestEveryFileIsRead finds files whose form no test reads any more.
func TestEveryFileIsRead(t *testing.T) {
	t.Parallel()
	read := make(map[string]bool)
	for _, form := range itemForms() {
		read[form.name] = true
	}
	for _, form := range messageForms(t) {
		read[form.name] = true
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, file := range files {
		form, _, _ := strings.Cut(file.Name(), ".")
		count[form]++
	}
	for form, n := range count {
		for i := 1; i <= n; i++ {
			if _, err := os.Stat(path(form, i)); err != nil {
				t.Errorf("%s has %d files, so %s must exist: the numbers begin at 1 and have no gap", form, n, path(form, i))
			}
		}
	}
	for _, file := range files {
		if form, _, _ := strings.Cut(file.Name(), "."); !read[form] {
			t.Errorf("testdata/%s is read by no test: data of its form still exists", file.Name())
		}
	}
}

func path(form string, n int) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.%d.json", form, n))
}
