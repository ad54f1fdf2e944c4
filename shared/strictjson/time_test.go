package strictjson_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/strictjson"
)

func TestTimeIsRFC3339(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want string // in UTC; "" if the time is refused
	}{
		{text: "2026-01-26T10:00:00Z", want: "2026-01-26T10:00:00Z"},
		{text: "2026-01-26T18:00:00.123456789+08:00", want: "2026-01-26T10:00:00.123456789Z"},
		{text: "2026-01-26T10:00:00.0Z", want: "2026-01-26T10:00:00Z"},
		{text: "2024-02-29T23:59:59-23:59", want: "2024-03-01T23:58:59Z"},
		{text: "2026-01-26T10:00:00-00:00", want: "2026-01-26T10:00:00Z"}, // RFC 3339 §4.3
		{text: "0001-01-01T00:00:00Z", want: "0001-01-01T00:00:00Z"},
		{text: "9999-12-31T23:59:59.999999999Z", want: "9999-12-31T23:59:59.999999999Z"},

		// Not RFC 3339, although time.Parse accepts the first five.
		{text: "2026-01-26T9:00:00Z"},
		{text: "2026-01-26T10:00:00+24:00"},
		{text: "2026-01-26T10:00:00+23:60"},
		{text: "2026-01-26T10:00:00,5Z"},
		{text: "2026-01-26T9:00:00,5+24:60"},
		{text: "2026-01-26T10:00:00"},
		{text: "2026-01-26T10:00:00.Z"},
		{text: "2026-01-26T10:00Z"},
		{text: "2026-01-26"},
		{text: "2026-01-26 10:00:00Z"},
		{text: "2026-01-26T10:00:00+0800"},
		{text: "2026-01-26T10:00:00+08"},
		{text: "2026-01-26T10:00:00 +08:00"},
		{text: "2026-01-26T10:00:00Z "},
		{text: " 2026-01-26T10:00:00Z"},
		{text: "2026-01-26T24:00:00Z"},
		{text: "2026-02-29T10:00:00Z"},
		{text: "2026-13-01T10:00:00Z"},
		{text: "2026-1-26T10:00:00Z"},
		{text: "26-01-26T10:00:00Z"},
		{text: "+2026-01-26T10:00:00Z"},
		{text: "-2026-01-26T10:00:00Z"},
		{text: "12026-01-26T10:00:00Z"},
		{text: "20260126T100000Z"},
		{text: "2026-01-26T10:60:00Z"},
		{text: "2026-01-26T10:00:61Z"},
		{text: "2026-01-26T10:00:00ZZ"},
		{text: "2026-01-26T10:00:00UTC"},
		{text: "２０２６-01-26T10:00:00Z"},
		{text: "2026−01−26T10:00:00Z"},
		{text: "1769421600"},
		{text: "now"},
		{text: ""},

		// RFC 3339 that is not taken.
		{text: "2026-01-26t10:00:00Z"},
		{text: "2026-01-26T10:00:00z"},
		{text: "2016-12-31T23:59:60Z"},
		{text: "2026-01-26T10:00:00.1234567890Z"},
		{text: "2026-01-26T10:00:00." + strings.Repeat("0", 100) + "Z"},
		{text: "0000-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		v, err := json.Marshal(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := strictjson.Time(v)
		if ok != (tt.want != "") || ok && got.UTC().Format(time.RFC3339Nano) != tt.want {
			t.Errorf("Time(%q) = %v, %v, want %q", tt.text, got, ok, tt.want)
		}
	}
	for _, v := range []string{"null", "1", "1769421600.5", "{}", "[]", "true", ""} {
		if got, ok := strictjson.Time([]byte(v)); ok {
			t.Errorf("Time(%s) = %v, want none", v, got)
		}
	}
}

// dateTime is the grammar of RFC 3339 §5.6, without what Time does not take.
var dateTime = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// FuzzTime compares Time with the grammar.
func FuzzTime(f *testing.F) {
	for _, text := range []string{"2026-01-26T10:00:00Z", "2026-01-26T9:00:00,5+24:60", "2026-02-30T23:59:60.0-00:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := jsontext.AppendQuote(nil, text)
		if err != nil {
			return
		}
		_, ok := strictjson.Time(v)
		_, exists := time.Parse(time.RFC3339, text) // for instance not on 30 February
		if want := dateTime.MatchString(text) && exists == nil && !strings.HasPrefix(text, "0000"); ok != want {
			t.Errorf("Time(%q) = %v, want %v", text, ok, want)
		}
	})
}
