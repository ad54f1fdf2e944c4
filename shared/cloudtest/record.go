package cloudtest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"testing"
)

// Record writes figures into the file .local/name, a JSON object, beside those
// that it holds already. The file is made anew by the make target that fills it.
func Record(t testing.TB, name string, figures map[string]float64) {
	t.Helper()
	path, all := Path(".local", name), make(map[string]float64)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read %s: %v", path, err)
	}
	maps.Copy(all, figures)
	if text, err = json.MarshalIndent(all, "", "  "); err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		t.Fatalf("write %s: %v", path, err)
	}
}
