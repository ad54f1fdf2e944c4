// Package locale chooses the language of the sentences that callers read.
//
// Chinese is the default, because the API contract is Chinese. A caller whose
// Accept-Language header (RFC 9110 §12.5.4) prefers English gets English.
package locale

import (
	"golang.org/x/text/language"
)

// Locale is a language in which every sentence for callers exists.
type Locale int

// The locales. Chinese is the default and so the zero value.
const (
	Chinese Locale = iota
	English
)

// Text is a sentence in every locale. The sentences have the same fmt verbs in the
// same order.
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

// Negotiate returns the locale for an Accept-Language header. It returns Chinese
// if the header is absent or malformed or names neither locale.
func Negotiate(acceptLanguage string) Locale {
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return Chinese
	}
	// The tags are in order of preference, so the first known one decides. A
	// language.Matcher would also match French to English, as the nearer of the two.
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
