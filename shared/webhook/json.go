package webhook

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/strictjson"
)

// jsonProblem says in a few words what is wrong with a body and where. It is
// English in every language, as the messages of parsers are.
func jsonProblem(err error) string {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, strictjson.ErrNotObject):
		return "not an object"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "unexpected end"
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return "duplicate name " + quote(string(syntax.JSONPointer))
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.ByteOffset)
	}
	return "syntax error"
}
