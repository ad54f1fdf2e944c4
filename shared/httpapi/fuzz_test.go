package httpapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// FuzzFunction checks that every event from the gateway gets a response in the
// envelope, and never a 5xx; that an id is the digits of the path; and that the log has
// one line, which is ours.
func FuzzFunction(f *testing.F) {
	f.Add("GET", "/api/v1/webhooks/7", "page=1", "", "en", "", "", "7", false)
	f.Add("GET", "/api/v1/webhooks/7", "page=1&page=2", "{}", "en", "identity", "2", "7", false)
	f.Add("PUT", "/api/v1/webhooks/%2e%2e", "a=%zz", "{}", "zh;q=0.1, *", "gzip", "99", "%2e", true)
	f.Add("get", "//x/\x00", "\xff", "\xff", "en-x-y-z", "\n", "-1", "", false)
	f.Add("GET", "/api/v1/webhooks/7#x", "befor=3", "", "", "", "", "7%23x", false)
	f.Add("GET", "/api/v1/webhooks/7\n{\"level\":\"ERROR\"}\n", "token=whk_x", "", "", "", "", "7", false)
	f.Fuzz(func(t *testing.T, method, path, query, body, language, coding, length, parameter string, encoded bool) {
		route := readWebhook(func(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
			id, err := httpapi.WebhookID(r)
			if err != nil {
				return httpapi.Reply{}, err
			}
			text, err := httpapi.ReadBody(r)
			if id < 1 || "/api/v1/webhooks/"+strconv.FormatInt(id, 10) != path {
				t.Errorf("the id of %q is %d", path, id)
			}
			return httpapi.OK(map[string]any{"id": id, "bytes": len(text)}), err
		})
		route.Query = []string{"page"}
		b, r := setup(t, route), request(method, path, body)
		r.RawQueryString, r.IsBase64Encoded, r.Headers["accept-language"] = query, encoded, language
		r.Headers["content-encoding"], r.Headers["content-length"] = coding, length
		if parameter != "" {
			r.PathParameters = map[string]string{"webhook_id": parameter}
		}
		response := b.call(t, r)
		if lines := strings.Count(b.log.String(), "\n"); lines != 1 || !strings.Contains(b.log.String(), `"msg":"request"`) {
			t.Errorf("%d lines in the log:\n%s", lines, &b.log)
		}
		if response.StatusCode >= 500 || response.StatusCode < 200 || len(response.Body) == 0 || response.Body[0] != '{' {
			t.Errorf("response = %d %q", response.StatusCode, response.Body)
		}
	})
}
