package cloudtest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"testing"
)

// Record adds figures to the JSON object in the file .local/name. The make target
// that fills the file deletes it first.
func Record(t testing.TB, name string, figures map[string]float64) {
	t.Helper()
	path, all := Path(".local", name), recorded(t, name)
	maps.Copy(all, figures)
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		t.Fatalf("write %s: %v", path, err)
	}
}

// RecordMost records value under figure, unless a larger value is recorded there.
func RecordMost(t testing.TB, name, figure string, value float64) {
	t.Helper()
	Record(t, name, map[string]float64{figure: max(value, recorded(t, name)[figure])})
}

// recorded returns the figures in the file .local/name.
func recorded(t testing.TB, name string) map[string]float64 {
	t.Helper()
	path, all := Path(".local", name), make(map[string]float64)
	text, err := os.ReadFile(path) // #nosec G304 -- a file of the checkout that the test names
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read %s: %v", path, err)
	}
	return all
}
