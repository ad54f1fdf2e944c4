package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"webhooks/shared/strictjson"
)

// nested returns text within n arrays.
func nested(n int, text string) string {
	return strings.Repeat("[", n) + text + strings.Repeat("]", n)
}

// nestedObjects returns text within n objects.
func nestedObjects(n int, text string) string {
	return strings.Repeat(`{"a":`, n) + text + strings.Repeat("}", n)
}

func TestParseRefusesDeepValues(t *testing.T) {
	t.Parallel()
	const most = strictjson.MaxDepth
	tests := []struct {
		name, value string
		tooDeep     bool
	}{
		{name: "as deep as permitted", value: nested(most, "1")},
		{name: "objects as deep as permitted", value: nestedObjects(most, `"[[{{"`)},
		{name: "brackets in strings", value: `"` + strings.Repeat(`[{\"`, 1000) + `"`},
		{name: "many shallow values", value: "[" + strings.Repeat("[[]],", 1000) + "[]]"},
		{name: "one too many", value: nested(most+1, ""), tooDeep: true},
		{name: "objects", value: nestedObjects(most+1, "null"), tooDeep: true},
		{name: "both", value: strings.Repeat(`[{"a":`, most) + "1" + strings.Repeat("}]", most), tooDeep: true},
		{name: "deep after shallow", value: `[[],"]",` + nested(most, "") + `]`, tooDeep: true},
		{name: "twice", value: `[` + nested(200, "1,2") + `,` + nested(300, `"]"`) + `]`, tooDeep: true},
		{name: "just below the limit of the JSON package", value: nested(9999, ""), tooDeep: true},
		{name: "above the limit of the JSON package", value: nested(500_000, ""), tooDeep: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			object, err := strictjson.Parse([]byte(`{"id":"e1","data":` + tt.value + `}`))
			if errors.Is(err, strictjson.ErrTooDeep) != tt.tooDeep || !tt.tooDeep && err != nil {
				t.Fatalf("error = %v, want too deep: %v", err, tt.tooDeep)
			}
			if id, _ := strictjson.String(object["id"]); id != "e1" {
				t.Errorf("the id is %q, want e1", id)
			}
			if deep := strictjson.Depth(object["data"]) > most; deep != tt.tooDeep {
				t.Errorf("the value has %d levels", strictjson.Depth(object["data"]))
			}
			if !tt.tooDeep && string(object["data"]) != tt.value {
				t.Error("the value has changed")
			}
		})
	}
}

func TestParseRefusesDeepTextThatIsNotJSON(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"never closed":          `{"a":` + strings.Repeat("[", 1<<20),
		"closed too often":      `{"a":` + nested(200, "") + "]}",
		"not closed to the end": `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 150),
		"wrong brackets":        `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 199) + "}}",
		"only closed":           strings.Repeat("]", 1<<20),
		"an open string":        `{"a":` + strings.Repeat("[", 200) + `"` + strings.Repeat("]", 200) + "}",
	} {
		if object, err := strictjson.Parse([]byte(text)); err == nil || errors.Is(err, strictjson.ErrTooDeep) || object != nil {
			t.Errorf("%s: error = %v, want one that says what is wrong", name, err)
		}
	}
}

// TestParseKeepsTheItemsAroundADeepOne: a list can be parsed object by object
// although one of them is too deep.
func TestParseKeepsTheItemsAroundADeepOne(t *testing.T) {
	t.Parallel()
	deepest := `{"data":` + nested(strictjson.MaxDepth, "1") + `}`
	for _, levels := range []int{strictjson.MaxDepth + 1, strictjson.MaxDepth + 2, 5000, 100_000} {
		object, err := strictjson.Parse([]byte(`{"events":[` + deepest + `,{"id":"deep","data":` + nested(levels, "1") + `},` + deepest + `]}`))
		var items []json.RawMessage
		if unread := json.Unmarshal(object["events"], &items); unread != nil || len(items) != 3 {
			t.Fatalf("%d levels: %d items, %v, %v", levels, len(items), unread, err)
		}
		for i, wantErr := range []error{nil, strictjson.ErrTooDeep, nil} {
			item, err := strictjson.Parse(items[i])
			if !errors.Is(err, wantErr) || wantErr == nil && err != nil {
				t.Errorf("%d levels: item %d: error = %v, want %v", levels, i, err, wantErr)
			}
			if i == 1 {
				if id, _ := strictjson.String(item["id"]); id != "deep" {
					t.Errorf("%d levels: the deep item has the id %q", levels, id)
				}
			} else if string(items[i]) != deepest {
				t.Errorf("%d levels: item %d has changed", levels, i)
			}
		}
	}
}

// TestParseReadsWideText: with a quadratic parser it would take minutes.
func TestParseReadsWideText(t *testing.T) {
	t.Parallel()
	const members = 100_000
	var wide strings.Builder
	wide.WriteString(`{"last":0`)
	for i := range members - 1 {
		fmt.Fprintf(&wide, `,"%05x":%d`, i, i)
	}
	wide.WriteString("}")
	object, err := strictjson.Parse([]byte(wide.String()))
	if err != nil || len(object) != members || len(object.Unknown("last")) != members-1 {
		t.Errorf("%d members, %v, want %d", len(object), err, members)
	}
	if _, err := strictjson.Parse([]byte(`{"data":` + wide.String() + `,"list":[0` + strings.Repeat(",[0]", members) + `]}`)); err != nil {
		t.Errorf("wide values are refused: %v", err)
	}
}

// FuzzDepth compares Depth and Parse with encoding/json, which reads text token by
// token.
func FuzzDepth(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":"]"},"\\"]}`), uint16(1))
	f.Add([]byte(`{"a":[1,[2,"[\""]]}`), uint16(100))
	f.Add([]byte(`{"a":null}`), uint16(60_000))
	f.Fuzz(func(t *testing.T, text []byte, levels uint16) {
		// Levels in the middle of a text, where the fuzzer finds strings and brackets.
		half := len(text) / 2
		for _, text := range [][]byte{
			text,
			fmt.Appendf(nil, "%s%s%s", text[:half], nested(int(levels), ""), text[half:]),
			[]byte(`{"a":` + nested(int(levels), string(text)) + `}`),
		} {
			object, err := strictjson.Parse(text)
			if err != nil {
				continue
			}
			if want := tokenDepth(t, text); strictjson.Depth(text) != want || want > 1+strictjson.MaxDepth {
				t.Errorf("Parse accepts %q with %d levels, of which Depth finds %d", text, want, strictjson.Depth(text))
			}
			for name, value := range object {
				if !bytes.Contains(text, value) || !json.Valid(value) {
					t.Errorf("the member %q of %q is %q", name, text, value)
				}
			}
		}
	})
}

// tokenDepth returns the depth of valid JSON.
func tokenDepth(t *testing.T, text []byte) int {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	level, depth := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return depth
		}
		switch {
		case err != nil:
			t.Fatalf("Parse accepts %q, encoding/json does not: %v", text, err)
		case token == json.Delim('[') || token == json.Delim('{'):
			level++
		case token == json.Delim(']') || token == json.Delim('}'):
			level--
		}
		depth = max(depth, level)
	}
}
