package deadletter

import (
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Subject says which event a message is about. The values are what the message itself
// says and may be invalid: they are for logs and dead letters only. An operator needs
// them to tell the producer.
type Subject struct {
	TenantID, EventID, EventType string
}

// maxText is the largest number of characters of a value of a Subject.
const maxText = 64

// SubjectOf returns the subject of the body of a message, which need not be valid: it
// reads members up to the first error of the JSON. A value that is missing or not a
// string is empty.
func SubjectOf(body string) Subject {
	var s Subject
	read(jsontext.NewDecoder(strings.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		map[string]*string{
			"tenant_id": &s.TenantID, "id": &s.EventID, "event_id": &s.EventID, "type": &s.EventType, "detail-type": &s.EventType,
		},
		map[string]map[string]*string{"detail": {"tenant_id": &s.TenantID}})
	return s
}

// read sets the texts that are members of the object at which d is, and those that are
// members of objects in it. The first of several equal members counts. It reports
// whether it read the object to its end.
func read(d *jsontext.Decoder, texts map[string]*string, objects map[string]map[string]*string) bool {
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return false
	}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return false
		}
		name := token.String()
		text, isText := texts[name]
		inner, isObject := objects[name]
		switch kind := d.PeekKind(); {
		case isText && kind == '"':
			value, err := d.ReadToken()
			if err != nil {
				return false
			}
			if *text == "" {
				*text = printable(value.String())
			}
		case isObject && kind == '{':
			if !read(d, inner, nil) {
				return false
			}
		default:
			if d.SkipValue() != nil {
				return false
			}
		}
	}
	_, err := d.ReadToken() // the end of the object
	return err == nil
}

// printable returns s in a form that can be shown in a log: at most maxText
// characters, and a question mark for each that is no letter, digit or one of ._:@#/-.
// Without spaces nobody can write the words that Lambda logs about a crash, for which
// the operator's alarms look.
func printable(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > maxText {
			return b.String() + "…"
		}
		if r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._:@#/-", r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}
