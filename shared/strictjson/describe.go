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
	case errors.Is(err, ErrTooDeep):
		return fmt.Sprintf("arrays and objects nested deeper than %d levels", MaxDepth)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "unexpected end"
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return "duplicate name " + Excerpt(string(syntax.JSONPointer))
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.ByteOffset)
	}
	return "syntax error"
}

// maxExcerpt is the length of the longest excerpt before its ellipsis, in bytes.
const maxExcerpt = 64

// Excerpt returns at most the first 64 bytes of a caller's text, for an error. An
// ellipsis ends a text that was shortened.
func Excerpt(text string) string {
	if len(text) <= maxExcerpt {
		return text
	}
	return strings.ToValidUTF8(text[:maxExcerpt], "") + "…"
}
