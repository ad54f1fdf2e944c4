package strictjson

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Describe says in a few words why [Parse] refused a text and, if it can, where. The
// words are English for every caller, like those of other parsers.
func Describe(err error) string {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, ErrNotObject):
		return "not an object"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "unexpected end"
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return "duplicate name " + Quote(string(syntax.JSONPointer))
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.ByteOffset)
	}
	return "syntax error"
}

// maxQuoted limits how much of a caller's text an error quotes, in bytes.
const maxQuoted = 64

// Quote returns at most the first 64 bytes of a caller's text, for an error. An
// ellipsis marks a longer text.
func Quote(text string) string {
	if len(text) <= maxQuoted {
		return text
	}
	return strings.ToValidUTF8(text[:maxQuoted], "") + "…"
}
