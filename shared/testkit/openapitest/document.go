// Package openapitest checks requests and responses against the API's OpenAPI
// document.
//
// cloudtest.Invoke and the client of the end-to-end tests use it, so every response
// in every test is checked. A status, header, code or field that the document does
// not have fails the test. So does an accepted request that the document does not
// allow.
package openapitest

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"webhooks/shared/httpapi/openapi"
)

// contract is the document with an index of its operations. A test process loads it
// once, because that takes longer than most tests. Nothing changes it afterwards.
type contract struct {
	document   *openapi3.T
	paths      *http.ServeMux
	operations map[string]operation // by pattern, "GET /api/v1/webhooks"
}

type operation struct {
	method, path string
	item         *openapi3.PathItem
	*openapi3.Operation
}

var load = sync.OnceValues(func() (contract, error) {
	document, err := parse()
	if err != nil {
		return contract{}, err
	}
	if err := closeObjects(document); err != nil {
		return contract{}, err
	}
	c := contract{document, http.NewServeMux(), map[string]operation{}}
	for template, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			pattern := method + " " + template
			c.paths.Handle(pattern, http.NotFoundHandler()) // find uses only the pattern
			c.operations[pattern] = operation{method, template, item, o}
		}
	}
	return c, nil
})

var validated = sync.OnceValues(func() (*openapi3.T, error) {
	document, err := parse()
	if err != nil {
		return nil, err
	}
	if err := document.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("openapi.json is not valid: %w", err)
	}
	return document, nil
})

// Document returns the document, which callers must not change. The test fails if the
// document or one of its examples is not valid.
func Document(t testing.TB) *openapi3.T {
	t.Helper()
	document, err := validated()
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// Scope returns the scope that an operation needs, or "" for a public one. OpenAPI 3.0
// allows scopes in a security requirement of OAuth 2 only, so they are in `x-scope`.
func Scope(o *openapi3.Operation) string {
	scope, _ := o.Extensions["x-scope"].(string)
	return scope
}

func parse() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData([]byte(openapi.Document()))
	if err != nil {
		return nil, fmt.Errorf("read openapi.json: %w", err)
	}
	return document, nil
}

// closeObjects refuses fields that the document does not have. The document itself
// allows them, because a client must accept the fields of a later version. A handler
// must not send one that is not documented. A schema without a type is a part of a
// condition.
func closeObjects(document *openapi3.T) error {
	closed := false
	return document.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		s := ref.Value
		if s != nil && s.Type.Is("object") && len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
			s.AdditionalProperties.Has = &closed
		}
		return nil
	})
}

// find returns the operation to which API Gateway routes r: it does not clean paths,
// and HEAD is not GET.
func (c contract) find(r *http.Request) (operation, bool) {
	_, pattern := c.paths.Handler(r)
	o, ok := c.operations[pattern]
	return o, ok && o.method == r.Method && r.URL.Path == path.Clean(r.URL.Path)
}

// component returns an operation with one response of the document's components, for
// a request without an operation.
func (c contract) component(name string, status int) operation {
	responses := openapi3.NewResponses(openapi3.WithStatus(status, c.document.Components.Responses[name]))
	responses.Delete("default")
	return operation{Operation: &openapi3.Operation{Responses: responses}}
}
