// Package locale chooses the language of a sentence that a customer reads.
//
// The API document is Chinese, so Chinese is the default; English is given to
// a caller whose Accept-Language header (RFC 9110 §12.5.4) prefers it.
package locale

import (
	"golang.org/x/text/language"
)

// Locale is a language in which every customer-visible sentence exists.
type Locale int

// The locales. Chinese is the zero value, because it is the default.
const (
	Chinese Locale = iota
	English
)

// Text is one sentence in every locale. Both may hold fmt verbs, the same ones
// in the same order.
type Text struct {
	Chinese string
	English string
}

// In returns the sentence in l.
func (t Text) In(l Locale) string {
	if l == English {
		return t.English
	}
	return t.Chinese
}

// Negotiate returns the locale that an Accept-Language header asks for. An
// absent, malformed or unknown preference gives Chinese.
func Negotiate(acceptLanguage string) Locale {
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return Chinese
	}
	// The caller's list is in order of preference: the first tag that is one of
	// ours decides. A matcher would also map, say, French to English "because it
	// is nearer than Chinese", which nobody asked for.
	for _, tag := range tags {
		switch base, _ := tag.Base(); base.String() {
		case "zh":
			return Chinese
		case "en":
			return English
		}
	}
	return Chinese
}
