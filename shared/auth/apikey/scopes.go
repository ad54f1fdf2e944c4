package apikey

import (
	"slices"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
)

// ParseScopes parses the names of a new key's scopes. It returns the scopes in the
// order of [auth.Scopes], or every problem of the given field.
func ParseScopes(field string, names []string) ([]auth.Scope, []apperr.Field) {
	if len(names) == 0 {
		return nil, []apperr.Field{{Name: field, Problem: apperr.EmptyList}}
	}
	var refused []apperr.Field
	for i, name := range names {
		switch {
		case !slices.Contains(auth.Scopes(), auth.Scope(name)):
			refused = append(refused, apperr.Field{Name: field, Problem: apperr.UnknownScope, Args: []any{name}})
		case slices.Contains(names[:i], name):
			refused = append(refused, apperr.Field{Name: field, Problem: apperr.DuplicateScope, Args: []any{name}})
		}
	}
	if refused != nil {
		return nil, refused
	}
	return slices.DeleteFunc(auth.Scopes(), func(s auth.Scope) bool {
		return !slices.Contains(names, string(s))
	}), nil
}
