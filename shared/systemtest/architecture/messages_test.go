package architecture_test

import (
	"go/ast"
	"strings"
	"testing"
	"unicode"
)

// TestNoHandlerSpellsAMessage: the messages of the API, of successes and of
// errors, are in package apperr, where a translator finds them all.
func TestNoHandlerSpellsAMessage(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if !strings.HasPrefix(file.name, "functions/") || isTest(file.name) {
			continue
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			if strings.ContainsFunc(unquoted(node), func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s is a Chinese text: use a message of shared/apperr", file.where(node))
			}
			if field, is := node.(*ast.KeyValueExpr); is && isIdent(field.Key, "Message") && unquoted(field.Value) != "" {
				t.Errorf("%s spells a message: use one of shared/apperr", file.where(node))
			}
			return true
		})
	}
}

func isIdent(x ast.Expr, name string) bool {
	identifier, is := x.(*ast.Ident)
	return is && identifier.Name == name
}
