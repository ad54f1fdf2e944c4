package httpapi

import (
	"strings"
	"unicode"
)

// MaxShown is how many characters of a foreign text an answer repeats.
const MaxShown = 128

// Shown returns the beginning of a text from outside as JSON and a terminal can
// show it.
func Shown(text string) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)) // Map reads invalid UTF-8 as ReplacementChar, too
	if len(clean) > MaxShown {
		return string(clean[:MaxShown-1]) + "…"
	}
	return string(clean)
}
