package strictjson

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxFraction is the largest number of digits after the second. A [time.Time] and
// most receivers' types have nanoseconds.
const maxFraction = 9

// Time returns v as a time, or false if v is not a string in the format of RFC 3339
// §5.6. It does not take every valid time: many parsers of those who read the
// time later refuse lower-case letters, leap seconds, more than 9 digits after the
// second, and the year 0000.
func Time(v jsontext.Value) (time.Time, bool) {
	text, ok := String(v)
	if !ok {
		return time.Time{}, false
	}
	var t time.Time
	// time.Parse accepts more than RFC 3339 (https://go.dev/issue/54580); this
	// package does not. It refuses lower-case letters and leap seconds too.
	if json.Unmarshal(v, &t) != nil || t.Year() < 1 {
		return time.Time{}, false
	}
	_, fraction, _ := strings.Cut(text, ".")
	if digits := len(fraction) - len(strings.TrimLeft(fraction, "0123456789")); digits > maxFraction {
		return time.Time{}, false
	}
	return t, true
}
