// Package glyph tells which characters of a text people can see. A name that shows
// nothing names nothing, and a character of a secret or a URL that nobody sees was
// pasted by mistake.
package glyph

import (
	"strings"
	"unicode"
)

// blanks are characters without ink that are like any other symbol or letter to Unicode:
// the braille pattern without a dot, the musical null notehead, and the full and the half
// blank of Egyptian hieroglyphs.
const blanks = "\u2800\U0001d159\U00013441\U00013442"

// Hidden reports whether r shows nothing: a space of any kind, a control character,
// a character that only changes others (a joiner, a variation selector, a direction),
// a filler or a noncharacter. These are the white space, format and default-ignorable
// characters of Unicode (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point).
func Hidden(r rune) bool {
	if r < 0x80 {
		return r <= ' ' || r == 0x7f
	}
	if unicode.Is(unicode.Prepended_Concatenation_Mark, r) {
		return false // format characters that are shown, such as the Arabic number sign
	}
	return strings.ContainsRune(blanks, r) || unicode.In(r,
		unicode.Z, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point,
		unicode.Variation_Selector, unicode.Noncharacter_Code_Point)
}

// Visible reports whether s has a character that people can see on its own. A
// combining mark changes the character before it.
func Visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return !Hidden(r) && !unicode.In(r, unicode.Mn, unicode.Me)
	})
}

// Controls reports whether r changes how the text around it is shown: a control
// character, a line break, or the start or end of text in another direction, which
// can make a text look like another one
// (https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings).
func Controls(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) ||
		'\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
