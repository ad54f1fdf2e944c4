package apperr

import (
	"strings"
	"unicode"
)

// MaxExcerpt is the length of the longest [Excerpt], in characters.
const MaxExcerpt = 128

// Excerpt returns the beginning of a caller's text for a message. It replaces
// unprintable characters and invalid UTF-8 by U+FFFD.
func Excerpt(text string) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)) // Map also replaces invalid UTF-8
	if len(clean) > MaxExcerpt {
		return string(clean[:MaxExcerpt-1]) + "…"
	}
	return string(clean)
}
