// Package openapi holds the API's OpenAPI 3.1 document.
//
// openapi.json is its only source. What it repeats (event types, limits, error
// codes, scopes, routes, messages) this package's tests compare with the code,
// and what it promises package openapitest compares with every answer in every
// test.
package openapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:embed openapi.json
var document string

// Document returns the document: JSON in UTF-8.
func Document() string { return document }

// ETag returns the strong entity tag of the document (RFC 9110 §8.8.3), quotes
// included. It changes whenever a byte of the document does.
func ETag() string {
	sum := sha256.Sum256([]byte(document))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
