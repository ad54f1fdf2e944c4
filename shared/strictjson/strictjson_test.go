package strictjson_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/strictjson"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{name: "nothing", text: ""},
		{name: "not JSON", text: "{name}"},
		{name: "two values", text: `{} {}`},
		{name: "trailing garbage", text: `{}x`},
		{name: "null", text: `null`},
		{name: "array", text: `[]`},
		{name: "string", text: `"a"`},
		{name: "duplicate member", text: `{"a":1,"a":2}`},
		{name: "duplicate member below", text: `{"a":{"b":1,"b":2}}`},
		{name: "duplicate by escape", text: `{"a":1,"\u0061":2}`},
		{name: "invalid UTF-8", text: "{\"a\":\"\xff\"}"},
		{name: "lone surrogate", text: `{"a":"\ud800"}`},
		{name: "byte order mark", text: "\xef\xbb\xbf{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if object, err := strictjson.Parse([]byte(tt.text)); err == nil {
				t.Errorf("Parse(%q) = %v, want an error", tt.text, object)
			}
		})
	}
}

func TestParseKeepsBytes(t *testing.T) {
	t.Parallel()
	const data = `{ "z" : 1.00000000000000000001, "a":"\u00e9\/",  "n":1e400 }`
	object, err := strictjson.Parse([]byte(`{"data":` + data + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data, string(object["data"])); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if _, ok := object["Data"]; ok {
		t.Error(`the member "data" is also found as "Data"`)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	object, err := strictjson.Parse([]byte(`{"s":"x","b":true,"n":null,"l":["a","b"],"m":["a",1],"i":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := strictjson.String(object["s"]); s != "x" || !ok {
		t.Errorf("String = %q, %v", s, ok)
	}
	if _, ok := strictjson.String(object["i"]); ok {
		t.Error("String accepts a number")
	}
	if b, ok := strictjson.Bool(object["b"]); !b || !ok {
		t.Errorf("Bool = %v, %v", b, ok)
	}
	if _, ok := strictjson.Bool(object["s"]); ok {
		t.Error("Bool accepts a string")
	}
	if !strictjson.IsNull(object["n"]) || strictjson.IsNull(object["s"]) {
		t.Error("IsNull confuses null and a string")
	}
	if l, ok := strictjson.Strings(object["l"]); !ok || !cmp.Equal(l, []string{"a", "b"}) {
		t.Errorf("Strings = %q, %v", l, ok)
	}
	if _, ok := strictjson.Strings(object["m"]); ok {
		t.Error("Strings accepts a list with a number")
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  int64
		ok    bool
	}{
		{value: `0`, ok: true},
		{value: `-7`, want: -7, ok: true},
		{value: `9223372036854775807`, want: 9223372036854775807, ok: true},
		{value: `9223372036854775808`},
		{value: `1.0`, want: 1, ok: true},
		{value: `1e3`, want: 1000, ok: true},
		{value: `-0.0`, ok: true},
		{value: `9007199254740991.0`, want: 9007199254740991, ok: true},
		{value: `9007199254740993.0`},
		{value: `1.5`},
		{value: `1e-1`},
		{value: `1e400`},
		{value: `"1"`},
		{value: `true`},
		{value: `null`},
	}
	for _, tt := range tests {
		got, ok := strictjson.Int([]byte(tt.value))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("Int(%s) = %d, %v, want %d, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  float64
		ok    bool
	}{
		{value: `0`, ok: true},
		{value: `-0.0e7`, ok: true},
		{value: `0.1`, want: 0.1, ok: true},
		{value: `-7`, want: -7, ok: true},
		{value: `1E+3`, want: 1000, ok: true},
		{value: `1.6666666666666667`, want: 5.0 / 3, ok: true},
		{value: `5e-324`, want: math.SmallestNonzeroFloat64, ok: true},
		{value: `1e400`},
		{value: `-1e400`},
		{value: `1e-400`},
		{value: `0.01e-400`},
		{value: `"1"`},
		{value: `true`},
		{value: `null`},
		{value: `[1]`},
	}
	for _, tt := range tests {
		got, ok := strictjson.Number([]byte(tt.value))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("Number(%s) = %v, %v, want %v, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,2,"x"]}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		object, err := strictjson.Parse(text)
		if err != nil {
			return
		}
		for name, value := range object {
			if !value.IsValid() {
				t.Errorf("member %q holds invalid JSON %q", name, value)
			}
		}
	})
}
