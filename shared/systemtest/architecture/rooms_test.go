package architecture_test

import (
	"slices"
	"strings"
	"testing"
)

// rooms lists the folders directly under shared/ from the bottom up, each with
// the rooms whose packages its code may import. A room imports only rooms that
// stand above it in this list, so imports form no cycle. The kits and tests
// at the end may import every room.
var rooms = []struct {
	name string
	may  []string
}{
	{"apperr", nil},
	{"strictjson", nil},
	{"glyph", nil},
	{"guard", []string{"glyph"}},
	{"aws", []string{"apperr"}},
	{"deadletter", nil},
	{"event", []string{"apperr", "strictjson", "aws", "deadletter"}},
	{"auth", []string{"apperr", "guard", "aws", "event"}},
	{"httpapi", []string{"apperr", "auth"}},
	{"webhook", []string{"apperr", "strictjson", "glyph", "guard", "aws", "event"}},
	{"attemptlog", []string{"apperr", "aws", "event", "webhook"}},
	{"delivery", []string{"apperr", "guard", "aws", "deadletter", "event", "webhook", "attemptlog"}},
	{"testkit", []string{"apperr", "strictjson", "guard", "aws", "deadletter", "event", "auth", "httpapi", "webhook", "attemptlog", "delivery"}},
	{"systemtest", []string{"apperr", "strictjson", "guard", "aws", "deadletter", "event", "auth", "httpapi", "webhook", "attemptlog", "delivery", "testkit"}},
}

// TestRoomsImportDownwards holds the packages to the list of rooms. Tests may
// import any room: they compare a package with its neighbours.
func TestRoomsImportDownwards(t *testing.T) {
	t.Parallel()
	may := map[string][]string{}
	for _, room := range rooms {
		for _, below := range room.may {
			if _, listed := may[below]; !listed {
				t.Errorf("room %s may import %s, which does not stand above it in the list", room.name, below)
			}
		}
		may[room.name] = append(room.may, room.name)
	}
	imported := map[string]bool{}
	for _, file := range goFiles(t) {
		from, inShared := roomOf(file.folder())
		if !inShared || isTest(file.name) {
			continue
		}
		if _, listed := may[from]; !listed {
			t.Errorf("%s: shared/%s is not in the list of rooms", file.name, from)
		}
		for _, path := range file.imports() {
			to, inShared := roomOf(strings.TrimPrefix(path, "webhooks/"))
			if !inShared {
				continue
			}
			imported[from+" "+to] = true
			if !slices.Contains(may[from], to) {
				t.Errorf("%s imports %s: room %s must not import room %s", file.name, path, from, to)
			}
		}
	}
	for _, room := range rooms {
		if room.name == "testkit" || room.name == "systemtest" {
			continue
		}
		for _, below := range room.may {
			if !imported[room.name+" "+below] {
				t.Errorf("no package of room %s imports room %s: remove the permission", room.name, below)
			}
		}
	}
}

// roomOf returns the room of a folder: "webhook" for shared/webhook/vault.
func roomOf(folder string) (string, bool) {
	rest, found := strings.CutPrefix(folder, "shared/")
	room, _, _ := strings.Cut(rest, "/")
	return room, found
}
