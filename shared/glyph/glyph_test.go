package glyph_test

import (
	"strings"
	"testing"
	"unicode"

	"webhooks/shared/glyph"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"a", "é", "名", "-", "👨\u200d👩\u200d👧", "❤\ufe0f", "\u200bx", " . ", "e\u0301", "ق", "\u0600", "한", "٣", "\ue000", "😀", "\ufffd",
	} {
		if !glyph.Visible(s) {
			t.Errorf("%q is not visible", s)
		}
	}
	for name, s := range map[string]string{
		"nothing":                         "",
		"spaces":                          " \t\u00a0\u1680\u2000\u2003\u200a\u202f\u205f\u3000",
		"line breaks":                     "\n\r\u0085\u2028\u2029",
		"control characters":              "\x00\x1b\x7f\u009f",
		"zero width space and joiners":    "\u200b\u200c\u200d\u2060",
		"byte order mark":                 "\ufeff",
		"soft hyphen":                     "\u00ad",
		"directions":                      "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
		"Hangul fillers":                  "\u115f\u1160\u3164\uffa0",
		"Khmer inherent vowels":           "\u17b4\u17b5",
		"Mongolian selectors":             "\u180b\u180c\u180d\u180e\u180f",
		"variation selectors":             "\ufe00\ufe0f\U000e0100\U000e01ef",
		"combining marks":                 "\u0301\u0489\u05b0\u064b\u20dd\u3099",
		"combining grapheme joiner":       "\u034f",
		"invisible operators":             "\u2061\u2062\u2063\u2064",
		"interlinear annotations":         "\ufff9\ufffa\ufffb",
		"deprecated format characters":    "\u206a\u206f",
		"tags":                            "\U000e0001\U000e0020\U000e007f",
		"musical format characters":       "\U0001d173\U0001d17a",
		"shorthand format characters":     "\U0001bca0\U0001bca3",
		"ignorable without a meaning yet": "\u2065\ufff0\U000e0fff",
		"blank braille":                   "\u2800",
		"blank music and hieroglyphs":     "\U0001d159\U00013441\U00013442",
		"noncharacters":                   "\ufdd0\ufffe\uffff\U0010ffff",
	} {
		if glyph.Visible(s) {
			t.Errorf("%s: %q is visible", name, s)
		}
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	for _, r := range "\x00\t\n\x7f\u0085\u2028\u2029\u202a\u202c\u202e\u2066\u2069" {
		if !glyph.Controls(r) || !glyph.Hidden(r) {
			t.Errorf("%U controls nothing, or is seen", r)
		}
	}
	for _, r := range "a \u00a0\u200b\u200d\u200f\ufeff\ufe0f名" {
		if glyph.Controls(r) {
			t.Errorf("%U controls the text around it", r)
		}
	}
}

// TestLettersAndDigitsAreNeverHidden goes through Unicode.
func TestLettersAndDigitsAreNeverHidden(t *testing.T) {
	t.Parallel()
	const blank = "\u115f\u1160\u3164\uffa0\u2800\U0001d159\U00013441\U00013442"
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if glyph.Hidden(r) && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !strings.ContainsRune(blank, r) {
			t.Errorf("%U is hidden", r)
		}
		if (unicode.IsSpace(r) || unicode.IsControl(r)) && !glyph.Hidden(r) {
			t.Errorf("%U is not hidden", r)
		}
	}
}
