package httpapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// A function serves one route. The handler returns data or an error; httpapi
// writes the envelope, here in Chinese and in English.
func Example() {
	function := httpapi.New(slog.New(slog.DiscardHandler), httpapi.Route{
		Pattern: "GET /api/v1/webhooks/{webhook_id}",
		Scope:   auth.WebhooksRead,
		Handle: func(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
			id, err := httpapi.WebhookID(r)
			if err != nil {
				return httpapi.Reply{}, err
			}
			if id != 7 {
				return httpapi.Reply{}, apperr.New(apperr.WebhookNotFound)
			}
			return httpapi.OK(map[string]string{"tenant": caller.TenantID}), nil
		},
	})

	get := func(path, language string) {
		request := events.APIGatewayV2HTTPRequest{RawPath: path, Headers: map[string]string{"accept-language": language}}
		request.RequestContext.HTTP.Method = http.MethodGet
		request.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			Lambda: auth.Caller{TenantID: "acme", Scopes: []auth.Scope{auth.WebhooksRead}}.Context(),
		}
		response, err := function(context.Background(), request)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(response.StatusCode, response.Body)
	}
	get("/api/v1/webhooks/7", "")
	get("/api/v1/webhooks/8", "")
	get("/api/v1/webhooks/8", "en")
	get("/api/v1/webhooks/seven", "en")
	// Output:
	// 200 {"code":0,"message":"success","data":{"tenant":"acme"}}
	// 404 {"code":40401,"message":"Webhook 不存在"}
	// 404 {"code":40401,"message":"There is no such webhook"}
	// 400 {"code":40004,"message":"webhook_id must be a positive integer"}
}
