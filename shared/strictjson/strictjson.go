// Package strictjson reads JSON the way an interface between companies needs
// it: exactly one object, exact member names, no duplicate members, valid
// UTF-8 (RFC 8259 §4 and §8.1 leave both open; RFC 7493 closes them). The
// standard library's decoder would match "Tenant_ID" to "tenant_id" and take
// the last of two members.
package strictjson

import (
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object holds the members of a JSON object, each as the bytes that were sent.
type Object map[string]jsontext.Value

// ErrNotObject says that the text is valid JSON but not an object.
var ErrNotObject = errors.New("not a JSON object")

// Parse reads text as exactly one JSON object. The values are copies, with
// number precision, member order, escapes and inner white space kept.
func Parse(text []byte) (Object, error) {
	var object Object
	if err := json.Unmarshal(text, &object); err != nil {
		var wrongKind *json.SemanticError
		if errors.As(err, &wrongKind) {
			return nil, ErrNotObject
		}
		return nil, err
	}
	if object == nil { // the text was null
		return nil, ErrNotObject
	}
	return object, nil
}

// Unknown returns the names of members that are none of known, sorted.
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

// String returns v as a string, and false when it is anything else.
func String(v jsontext.Value) (string, bool) {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return s, true
}

// Bool returns v as a boolean, and false when it is anything else.
func Bool(v jsontext.Value) (value, ok bool) {
	if v.Kind() != 't' && v.Kind() != 'f' {
		return false, false
	}
	return v.Kind() == 't', true
}

// Int returns v as an integer, and false when it is anything else. JSON has one
// kind of number, and clients whose languages do too may write 1 as 1.0 or 1e0;
// JSON Schema calls these integers as well (Core 2020-12 §4.2.3). So spelled, an
// integer is taken below 2^53, as far as a float64 tells it from its neighbours
// (RFC 8259 §6).
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

// maxExact is the first integer that a float64 cannot tell from its neighbour.
const maxExact = 1 << 53

// Strings returns v as a list of strings, and false when it is anything else.
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
