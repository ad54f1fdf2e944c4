// Package strictjson parses the JSON that callers send: exactly one object, exact
// member names, no duplicate members, valid UTF-8. RFC 8259 §4 and §8.1 leave the
// last two to the parser; RFC 7493 requires them. The decoder of encoding/json
// matches "Tenant_ID" to "tenant_id" and takes the last of two equal members.
package strictjson

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object holds the members of a JSON object, each value as the bytes that were
// sent.
type Object map[string]jsontext.Value

// ErrNotObject is the error for valid JSON that is not an object.
var ErrNotObject = errors.New("not a JSON object")

// Parse parses text as exactly one JSON object. The values are copies that keep
// the precision of numbers, the order of members, escapes and white space.
//
// It returns ErrTooDeep if a value has more than MaxDepth levels. It then also
// returns the object, in which such values are cut and unchecked: use it only for
// error messages, and for the list of a request whose objects are parsed one by one.
func Parse(text []byte) (Object, error) {
	depth, bounded := bound(text, parsedLevels)
	var object Object
	if err := json.Unmarshal(bounded, &object); err != nil {
		var wrongKind *json.SemanticError
		if errors.As(err, &wrongKind) {
			return nil, ErrNotObject
		}
		return nil, err
	}
	if object == nil { // the text was null
		return nil, ErrNotObject
	}
	if depth > 1+MaxDepth {
		return object, ErrTooDeep
	}
	return object, nil
}

// Unknown returns the names of the members that are not in known, sorted.
func (o Object) Unknown(known ...string) []string {
	var unknown []string
	for name := range o {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// IsNull reports whether v is the JSON value null.
func IsNull(v jsontext.Value) bool { return v.Kind() == 'n' }

// String returns v as a string, or false if v is not a string.
func String(v jsontext.Value) (string, bool) {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return s, true
}

// Bool returns v as a boolean, or false if v is not a boolean.
func Bool(v jsontext.Value) (value, ok bool) {
	if v.Kind() != 't' && v.Kind() != 'f' {
		return false, false
	}
	return v.Kind() == 't', true
}

// Int returns v as an int64, or false if v is not an integer of that range. Clients
// in languages with one type of number may write 1 as 1.0 or 1e0, which JSON
// Schema also calls integers (Core 2020-12 §4.2.3). Int accepts these forms below
// 2^53, where every integer is an exact float64 (RFC 8259 §6).
func Int(v jsontext.Value) (int64, bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= maxExact {
		return 0, false
	}
	return int64(f), true
}

// Number returns v as a float64, or false if v is not a number or is outside the range
// of a float64: too large, or so small that it would become 0.
func Number(v jsontext.Value) (float64, bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(string(v)), "e")
	if err != nil || f == 0 && strings.ContainsAny(mantissa, "123456789") {
		return 0, false
	}
	return f, true
}

// maxExact is 2^53. From there on a float64 cannot represent every integer.
const maxExact = 1 << 53

// Strings returns v as a list of strings, or false if v is not an array of strings.
func Strings(v jsontext.Value) ([]string, bool) {
	var values []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &values) != nil {
		return nil, false
	}
	list := make([]string, 0, len(values))
	for _, value := range values {
		s, ok := String(value)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}
