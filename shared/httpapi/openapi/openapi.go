// Package openapi holds the API's OpenAPI 3.0 document.
//
// openapi.json is the only source of the document. The tests of this package compare
// its event types, limits, error codes, scopes, routes and messages with the code.
// Package openapitest compares the document with every response in every test.
package openapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:embed openapi.json
var document string

// Document returns the document, JSON in UTF-8.
func Document() string { return document }

// ETag returns the strong entity tag of the document with its quotes (RFC 9110
// §8.8.3). It changes with every byte of the document.
func ETag() string {
	sum := sha256.Sum256([]byte(document))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
