package httpapi_test

import (
	"net/http"
	"testing"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// FuzzFunction checks that every event from the gateway gets a response in the
// envelope, and never a 5xx.
func FuzzFunction(f *testing.F) {
	f.Add("GET", "/api/v1/webhooks/7", "page=1", "", "en", false)
	f.Add("PUT", "/api/v1/webhooks/%2e%2e", "a=%zz", "{}", "zh;q=0.1, *", true)
	f.Add("get", "//x/\x00", "\xff", "\xff", "en-x-y-z", false)
	f.Fuzz(func(t *testing.T, method, path, query, body, language string, encoded bool) {
		b := setup(t, readWebhook(func(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
			id, err := httpapi.WebhookID(r)
			if err != nil {
				return httpapi.Reply{}, err
			}
			text, err := httpapi.ReadBody(r)
			return httpapi.OK(map[string]any{"id": id, "bytes": len(text)}), err
		}))
		r := request(method, path, body)
		r.RawQueryString, r.IsBase64Encoded, r.Headers["accept-language"] = query, encoded, language
		response := b.call(t, r)
		if response.StatusCode >= 500 || response.StatusCode < 200 || len(response.Body) == 0 || response.Body[0] != '{' {
			t.Errorf("response = %d %q", response.StatusCode, response.Body)
		}
	})
}
