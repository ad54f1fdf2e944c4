package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestRequestsWithoutAValidKeyAreRefused(t *testing.T) {
	t.Parallel()
	c := setup(t)
	made := c.webhook(nobody, "alert.resolved")
	routes := []struct{ method, path, body string }{
		{"POST", "/api/v1/webhooks", documented},
		{"GET", "/api/v1/webhooks", ""},
		{"GET", path(made.ID), ""},
		{"PUT", path(made.ID), `{"enabled":false}`},
		{"DELETE", path(made.ID), ""},
		{"POST", path(made.ID, "/test"), ""},
		{"GET", path(made.ID, "/logs"), ""},
	}
	otherSecret := c.key[:len(c.key)-1] + "a"
	if strings.HasSuffix(c.key, "a") {
		otherSecret = c.key[:len(c.key)-1] + "b"
	}
	tests := []struct {
		name, authorization string
		status              int
	}{
		{"no header", "", http.StatusUnauthorized},
		{"no scheme", c.key, http.StatusForbidden},
		{"basic", "Basic " + c.key, http.StatusForbidden},
		{"not a key", "Bearer secret", http.StatusForbidden},
		{"unknown id", "Bearer whk_aaaaaaaaaaaaaaaa_" + c.key[strings.LastIndexByte(c.key, '_')+1:], http.StatusForbidden},
		{"other secret", "Bearer " + otherSecret, http.StatusForbidden},
		{"two keys", "Bearer " + c.key + " " + c.key, http.StatusForbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, route := range routes {
				got := c.with(t, c.key).call(route.method, route.path, route.body, "Authorization", test.authorization)
				if got.Status != test.status {
					t.Errorf("%s %s: status %d, want %d", route.method, route.path, got.Status, test.status)
				}
			}
		})
	}
	if got := dataOf[created](t, c.call("GET", path(made.ID), ""), http.StatusOK); got.ID != made.ID {
		t.Errorf("the webhook is %+v, want it unchanged", got)
	}
}

func TestUnknownRoutesReturnTheErrorEnvelope(t *testing.T) {
	t.Parallel()
	c := setup(t)
	tests := []struct {
		name, method, path string
		status             int
		want, allow        string
	}{
		{"root", "GET", "/", 404, `{"code": 40402, "message": "接口不存在：GET /"}`, ""},
		{"other path", "GET", "/api/v1/nothing", 404, `{"code": 40402, "message": "接口不存在：GET /api/v1/nothing"}`, ""},
		{"other version", "POST", "/api/v2/webhooks", 404, `{"code": 40402, "message": "接口不存在：POST /api/v2/webhooks"}`, ""},
		{"deeper", "GET", "/api/v1/webhooks/1/logs/1", 404, `{"code": 40402, "message": "接口不存在：GET /api/v1/webhooks/1/logs/1"}`, ""},
		{"list", "DELETE", "/api/v1/webhooks", 405, `{"code": 40501, "message": "该接口不支持 DELETE 方法，支持：GET, POST"}`, "GET, POST"},
		{"one", "PATCH", "/api/v1/webhooks/1", 405, `{"code": 40501, "message": "该接口不支持 PATCH 方法，支持：DELETE, GET, PUT"}`, "DELETE, GET, PUT"},
		{"test", "GET", "/api/v1/webhooks/1/test", 405, `{"code": 40501, "message": "该接口不支持 GET 方法，支持：POST"}`, "POST"},
		{"logs", "POST", "/api/v1/webhooks/1/logs", 405, `{"code": 40501, "message": "该接口不支持 POST 方法，支持：GET"}`, "GET"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := c.with(t, c.key).call(test.method, test.path, "")
			got.is(t, test.status, test.want)
			if got.Header.Get("Allow") != test.allow {
				t.Errorf("Allow = %q, want %q", got.Header.Get("Allow"), test.allow)
			}
		})
	}
}

// TestErrorsAreInTheCallersLanguage: errors are translated. The success messages of
// the API document are not.
func TestErrorsAreInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	c := setup(t)
	tests := []struct {
		name, language, want string
	}{
		{"none", "", "Webhook 不存在"},
		{"English", "en", "There is no such webhook"},
		{"English of some country", "en-GB,en;q=0.9,zh;q=0.1", "There is no such webhook"},
		{"Chinese before English", "zh-CN,zh;q=0.9,en;q=0.8", "Webhook 不存在"},
		{"English by its weight", "zh;q=0.2, en;q=0.7", "There is no such webhook"},
		{"another", "fr", "Webhook 不存在"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.with(t, c.key)
			c.call("GET", path(1), "", "Accept-Language", test.language).
				is(t, http.StatusNotFound, `{"code": 40401, "message": "`+test.want+`"}`)
		})
	}
	c.call("GET", "/api/v1/webhooks", "", "Accept-Language", "en").
		is(t, http.StatusOK, `{"code": 0, "message": "success", "data": {"items": []}}`)
	got := c.call("POST", "/api/v1/webhooks", documented, "Accept-Language", "en")
	if !strings.Contains(got.Body, `"message":"Webhook 创建成功"`) {
		t.Errorf("POST returned %s, want the document's message", got.Body)
	}
}
