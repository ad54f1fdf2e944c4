package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusedCase is a request that must be refused, and the expected error.
type refusedCase struct {
	name   string
	body   string
	status int
	code   int
	fields []string
}

// badJSON and badField return the most common cases.
func badJSON(name, body string) refusedCase {
	return refusedCase{name, body, http.StatusBadRequest, 40001, nil}
}

func badField(name, body string, fields ...string) refusedCase {
	return refusedCase{name, body, http.StatusBadRequest, 40002, fields}
}

// wanted returns a body that POST accepts, with the member name replaced by JSON text.
// An empty name replaces none, and an empty text removes the member.
func wanted(name, text string) string {
	members := [][2]string{
		{"name", `"n"`}, {"url", `"` + nobody + `"`}, {"secret", `"12345678"`},
		{"events", `["alert.resolved"]`}, {"enabled", `true`},
	}
	var parts []string
	known := name == ""
	for _, m := range members {
		if m[0] == name {
			known = true
			m[1] = text
		}
		if m[1] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", m[0], m[1]))
		}
	}
	if !known {
		parts = append(parts, fmt.Sprintf("%q:%s", name, text))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quoted(text string) string { return `"` + text + `"` }

// refuses sends every case, and then checks that nothing has changed.
func refuses(t *testing.T, method, path string, cases []refusedCase) {
	t.Helper()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)
	before := c.call("GET", "/api/v1/webhooks", "").Body
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			c := c.with(t, c.key)
			got := c.call(method, path, test.body).refused(t)
			if got.Status != test.status || got.Code != test.code {
				t.Errorf("response = %+v, want the status %d and the code %d", got, test.status, test.code)
			}
			if diff := cmp.Diff(test.fields, got.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			english := c.call(method, path, test.body, "Accept-Language", "en").refused(t)
			if english.Message == got.Message || strings.ContainsFunc(english.Message, isHan) {
				t.Errorf("the English message is %q", english.Message)
			}
		})
	}
	if after := c.call("GET", "/api/v1/webhooks", "").Body; after != before {
		t.Errorf("the webhooks are %s, want them unchanged: %s", after, before)
	}
}

func isHan(r rune) bool { return 0x4e00 <= r && r <= 0x9fff }

func TestCreateRefusesWhatIsNotOneObject(t *testing.T) {
	t.Parallel()
	refuses(t, "POST", "/api/v1/webhooks", []refusedCase{
		badJSON("no body", ""),
		badJSON("white space", " \n"),
		badJSON("not JSON", "name=n"),
		badJSON("single quotes", `{'name':'n'}`),
		badJSON("cut off", `{"name":"n"`),
		badJSON("two values", wanted("", "")+wanted("", "")),
		badJSON("garbage after it", wanted("", "")+"x"),
		badJSON("comma before the end", `{"name":"n",}`),
		badJSON("array", "["+wanted("", "")+"]"),
		badJSON("string", `"n"`),
		badJSON("null", "null"),
		badJSON("name twice", `{"name":"n","name":"n"}`),
		badJSON("invalid UTF-8", wanted("name", "\"\xff\xfe\"")),
		badJSON("lone surrogate", wanted("name", `"\ud800"`)),
		{"one byte too many", wanted("name", `"n"`) + strings.Repeat(" ", 256<<10+1-len(wanted("name", `"n"`))), 413, 41301, nil},
	})
}

func TestCreateRefusesWrongTypes(t *testing.T) {
	t.Parallel()
	refuses(t, "POST", "/api/v1/webhooks", []refusedCase{
		badField("nothing", `{}`, "name", "url", "events"),
		badField("number as name", wanted("name", `1`), "name"),
		badField("object as url", wanted("url", `{}`), "url"),
		badField("number as secret", wanted("secret", `12345678`), "secret"),
		badField("string as events", wanted("events", `"alert.resolved"`), "events"),
		badField("number in events", wanted("events", `["alert.resolved",1]`), "events"),
		badField("null in events", wanted("events", `[null]`), "events"),
		badField("string as enabled", wanted("enabled", `"true"`), "enabled"),
		badField("number as enabled", wanted("enabled", `1`), "enabled"),
		badField("null as name", wanted("name", `null`), "name"),
		badField("null as url", wanted("url", `null`), "url"),
		badField("null as secret", wanted("secret", `null`), "secret"),
		badField("null as events", wanted("events", `null`), "events"),
		badField("null as enabled", wanted("enabled", `null`), "enabled"),
		badField("unknown", wanted("colour", `"red"`), "colour"),
		badField("read-only id", wanted("webhook_id", `1`), "webhook_id"),
		badField("read-only time", wanted("created_at", `"2026-01-26T10:00:00Z"`), "created_at"),
		badField("tenant", wanted("tenant_id", `"demo"`), "tenant_id"),
		badField("other case", strings.Replace(wanted("", ""), `"name"`, `"Name"`, 1), "name", "Name"),
		badField("all at once", `{"name":1,"url":2,"secret":3,"events":4,"enabled":5,"b":6,"a":7}`,
			"name", "url", "secret", "events", "enabled", "a", "b"),
	})
}

func TestCreateRefusesBadValues(t *testing.T) {
	t.Parallel()
	refuses(t, "POST", "/api/v1/webhooks", []refusedCase{
		badField("empty name", wanted("name", `""`), "name"),
		badField("blank name", wanted("name", `"  "`), "name"),
		badField("invisible name", wanted("name", `"\u200b"`), "name"),
		badField("secret of spaces", wanted("secret", `"        "`), "secret"),
		badField("space before whsec_", wanted("secret", `" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`), "secret"),
		badField("long name", wanted("name", quoted(strings.Repeat("名", 129))), "name"),
		badField("control character", wanted("name", `"a\u0000b"`), "name"),
		badField("no events", wanted("events", `[]`), "events"),
		badField("unknown event", wanted("events", `["alert.resolved","alert.ignored"]`), "events"),
		badField("event in upper case", wanted("events", `["Alert.Resolved"]`), "events"),
		badField("every event", wanted("events", `["*"]`), "events"),
		badField("test event", wanted("events", `["webhook.test"]`), "events"),
		badField("event twice", wanted("events", `["alert.resolved","alert.resolved"]`), "events"),
		badField("three wrong events", wanted("events", `["a","b","alert.resolved","alert.resolved"]`), "events", "events", "events"),
		badField("empty secret", wanted("secret", `""`), "secret"),
		badField("short secret", wanted("secret", `"1234567"`), "secret"),
		badField("long secret", wanted("secret", quoted(strings.Repeat("s", 257))), "secret"),
		badField("control character in the secret", wanted("secret", `"12345678\n"`), "secret"),
		badField("prefix alone", wanted("secret", `"whsec_"`), "secret"),
		badField("not base64", wanted("secret", `"whsec_this is not base64 at all!"`), "secret"),
		badField("base64 of 23 bytes", wanted("secret", `"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="`), "secret"),
		badField("base64 of 65 bytes", wanted("secret", quoted("whsec_"+strings.Repeat("MDEy", 21)+"MDE=")), "secret"),
	})
}

func TestUpdateRefusesBadBodies(t *testing.T) {
	t.Parallel()
	refuses(t, "PUT", path(1), []refusedCase{
		badJSON("no body", ""),
		badJSON("array", "[]"),
		badJSON("name twice", `{"enabled":true,"enabled":false}`),
		{"nothing", `{}`, http.StatusBadRequest, 40003, nil},
		{"read-only fields alone", `{"webhook_id":1,"created_at":"2026-01-26T10:00:00Z"}`, http.StatusBadRequest, 40003, nil},
		badField("null as secret", `{"secret":null}`, "secret"),
		badField("null beside a change", `{"name":"n","enabled":null}`, "enabled"),
		badField("unknown", `{"name":"n","colour":"red"}`, "colour"),
		badField("url", `{"url":"ftp://127.0.0.1/"}`, "url"),
		badField("all at once", `{"name":"","url":"","secret":"","events":[],"enabled":0}`, "name", "url", "secret", "events", "enabled"),
		{"too large", strings.Repeat(" ", 256<<10+1), http.StatusRequestEntityTooLarge, 41301, nil},
	})
}
