// Function get-openapi serves GET /api/v1/openapi.json, the API's OpenAPI document.
// The route is public.
package main

import (
	"log/slog"

	"webhooks/shared/aws/boot"
	"webhooks/shared/httpapi"
	"webhooks/shared/httpapi/openapi"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, _ func(string) string) (httpapi.Function, error) {
	h := handler{document: httpapi.Document{Body: openapi.Document(), ETag: openapi.ETag(), MaxAge: maxAge}}
	return httpapi.New(log, h.route()), nil
}
