package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// nobody is a URL that no test calls. A stack on AWS accepts it too, for make smoke.
const nobody = "https://receiver.example/webhook"

// documented is the first request of the API document, with another URL.
const documented = `{
  "name": "环境事件通知",
  "url": "` + nobody + `",
  "secret": "your-secret-key",
  "events": ["environment.created", "environment.started", "environment.stopped"],
  "enabled": true
}`

func TestCreateRespondsAsDocumented(t *testing.T) {
	t.Parallel()
	c := setup(t)

	c.call("POST", "/api/v1/webhooks", documented).is(t, http.StatusCreated, `{
		"code": 0, "message": "Webhook 创建成功", "data": {
			"webhook_id": 1, "name": "环境事件通知", "url": "`+nobody+`", "enabled": true, "created_at": "TIME"}}`)
}

func TestCreateWithoutASecretShowsTheGeneratedOne(t *testing.T) {
	t.Parallel()
	c := setup(t)
	made := c.webhook(nobody, "alert.resolved")
	if !strings.HasPrefix(made.Secret, "whsec_") || len(made.Secret) != len("whsec_")+44 {
		t.Errorf("secret = %q, want whsec_ and 32 bytes in base64", made.Secret)
	}
	shown := dataOf[created](t, c.call("GET", path(made.ID), ""), http.StatusOK)
	if shown != made {
		t.Errorf("GET shows %+v, want %+v", shown, made)
	}
}

func TestCreateEnabledOrDisabled(t *testing.T) {
	t.Parallel()
	c := setup(t)
	tests := []struct {
		name, member, want string
	}{
		{"by default", ``, "true"},
		{"enabled", `,"enabled":true`, "true"},
		{"disabled", `,"enabled":false`, "false"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := `{"name":"n","url":"` + nobody + `","secret":"12345678","events":["alert.resolved"]` + test.member + `}`
			c.with(t, c.key).call("POST", "/api/v1/webhooks", body).is(t, http.StatusCreated, fmt.Sprintf(`{
				"code": 0, "message": "Webhook 创建成功", "data": {
					"webhook_id": %d, "name": "n", "url": %q, "enabled": %s, "created_at": "TIME"}}`, i+1, nobody, test.want))
		})
	}
}

func TestCreateAcceptsEveryDocumentedEventType(t *testing.T) {
	t.Parallel()
	c := setup(t)
	made := c.webhook(nobody, "environment.created", "environment.started", "environment.stopped", "environment.deleted",
		"training.started", "training.completed", "training.failed", "alert.triggered", "alert.resolved")
	got := dataOf[struct{ Events []string }](t, c.call("GET", path(made.ID), ""), http.StatusOK)
	if len(got.Events) != 9 {
		t.Errorf("events = %v, want all nine types", got.Events)
	}
}

func TestListRespondsAsDocumented(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("GET", "/api/v1/webhooks", "").is(t, http.StatusOK, `{"code": 0, "message": "success", "data": {"items": []}}`)

	c.call("POST", "/api/v1/webhooks", documented)
	c.webhook(nobody, "alert.triggered")
	// The list shows no secret, not even a generated one.
	c.call("GET", "/api/v1/webhooks", "").is(t, http.StatusOK, `{
		"code": 0, "message": "success", "data": {"items": [
			{"webhook_id": 1, "name": "环境事件通知", "url": "`+nobody+`", "enabled": true, "created_at": "TIME",
			 "events": ["environment.created", "environment.started", "environment.stopped"]},
			{"webhook_id": 2, "name": "a test", "url": "`+nobody+`", "enabled": true, "created_at": "TIME",
			 "events": ["alert.triggered"]}]}}`)
}

// shown returns the response to GET for the documented webhook, with another name and
// state.
func shown(name, enabled string) string {
	return fmt.Sprintf(`{
		"code": 0, "message": "success", "data": {
			"webhook_id": 1, "name": %q, "url": %q, "secret": "your-secret-key", "enabled": %s, "created_at": "TIME",
			"events": ["environment.created", "environment.started", "environment.stopped"]}}`, name, nobody, enabled)
}

func TestGetRespondsAsDocumented(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)
	c.call("GET", path(1), "").is(t, http.StatusOK, shown("环境事件通知", "true"))
}

func TestUpdateChangesOnlyTheGivenFields(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)

	c.update(1, `{"name": "环境事件通知（更新）", "enabled": false}`)
	c.call("GET", path(1), "").is(t, http.StatusOK, shown("环境事件通知（更新）", "false"))
	c.update(1, `{"enabled": true}`)
	c.call("GET", path(1), "").is(t, http.StatusOK, shown("环境事件通知（更新）", "true"))
	c.update(1, `{"events": ["alert.resolved"], "url": "http://127.0.0.1:9/other", "secret": "another-secret"}`)
	c.call("GET", path(1), "").is(t, http.StatusOK, `{
		"code": 0, "message": "success", "data": {
			"webhook_id": 1, "name": "环境事件通知（更新）", "url": "http://127.0.0.1:9/other", "secret": "another-secret",
			"enabled": true, "created_at": "TIME", "events": ["alert.resolved"]}}`)
}

func TestGetResponseCanBeSentBack(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)
	before := c.call("GET", path(1), "")
	_, data, _ := strings.Cut(before.Body, `"data":`)

	c.update(1, strings.TrimSuffix(data, "}"))
	if after := c.call("GET", path(1), ""); after.Body != before.Body {
		t.Errorf("the webhook is %s, want it unchanged: %s", after.Body, before.Body)
	}
}

func TestDeleteRespondsWithoutABody(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)

	c.call("DELETE", path(1), "").is(t, http.StatusNoContent, "")
	for _, route := range []struct{ method, path, body string }{
		{"GET", path(1), ""},
		{"PUT", path(1), `{"enabled":true}`},
		{"DELETE", path(1), ""},
		{"POST", path(1, "/test"), ""},
		{"GET", path(1, "/logs"), ""},
	} {
		c.call(route.method, route.path, route.body).is(t, http.StatusNotFound, `{"code": 40401, "message": "Webhook 不存在"}`)
	}
	// An id is never reused, so an id that a client stored never means another webhook.
	if next := c.webhook(nobody, "alert.resolved"); next.ID != 2 {
		t.Errorf("the next webhook has the id %d, want 2", next.ID)
	}
}
