// Package openapitest holds requests and answers against the API's OpenAPI
// document.
//
// cloudtest.Invoke and the client of the end-to-end tests call it, so every
// answer in every test is checked: a status, a header, a code or a field that
// the document does not have fails the test, and so does a request that was
// accepted although the document does not allow it.
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

// contract is the document with what is needed to find an operation in it. It
// is made once in a test process, because reading the document takes longer than
// most tests, and nothing changes it afterwards.
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
			c.paths.Handle(pattern, http.NotFoundHandler()) // only its pattern is used
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

// Document returns the document, for reading. The test fails when it is not
// valid, examples included.
func Document(t testing.TB) *openapi3.T {
	t.Helper()
	document, err := validated()
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func parse() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData([]byte(openapi.Document()))
	if err != nil {
		return nil, fmt.Errorf("read openapi.json: %w", err)
	}
	return document, nil
}

// closeObjects makes fields that the document does not name errors. In the
// document itself objects are open: a client must live with a field that a later
// version adds, but no handler may send one unnoticed.
func closeObjects(document *openapi3.T) error {
	closed := false
	return document.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		s := ref.Value
		if s != nil && len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
			s.AdditionalProperties.Has = &closed
		}
		return nil
	})
}

// find returns the operation that takes r, as API Gateway routes: no path is
// cleaned and HEAD is not GET.
func (c contract) find(r *http.Request) (operation, bool) {
	_, pattern := c.paths.Handler(r)
	o, ok := c.operations[pattern]
	return o, ok && o.method == r.Method && r.URL.Path == path.Clean(r.URL.Path)
}

// component returns an operation whose only answer is a response that any path
// may give, for a request that the document has no operation for.
func (c contract) component(name string, status int) operation {
	responses := openapi3.NewResponses(openapi3.WithStatus(status, c.document.Components.Responses[name]))
	responses.Delete("default")
	return operation{Operation: &openapi3.Operation{Responses: responses}}
}
