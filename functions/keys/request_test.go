package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
)

// manyMembers returns n members with long names.
func manyMembers(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"%s%04d":1`, strings.Repeat("x", 200), i)
	}
	return text.String()
}

func TestErrorNamesEveryInvalidMember(t *testing.T) {
	t.Parallel()
	const refused = "the request is refused: "
	tests := []struct{ name, request, want string }{
		{name: "no action", request: `{}`, want: refused + "action must be one of issue, list, expire, revoke"},
		{name: "another action", request: `{"action":"Issue","tenant_id":"acme"}`, want: refused + "action must be one of issue, list, expire, revoke"},
		{name: "an action that is not a string", request: `{"action":1}`, want: refused + "action must be one of issue, list, expire, revoke"},
		{name: "no tenant", request: `{"action":"issue"}`, want: refused + "tenant_id is required"},
		{name: "no key", request: `{"action":"revoke"}`, want: refused + "key_id is required"},
		{name: "a key instead of its id", request: `{"action":"revoke","key_id":"whk_abcdefghijklmnop"}`, want: refused + "key_id is not the id of an API key"},
		{name: "a member of another action", request: `{"action":"revoke","key_id":"abcdefghijklmnop","tenant_id":"acme"}`, want: refused + "tenant_id is not a known field"},
		{name: "a time in the past", request: `{"action":"expire","key_id":"abcdefghijklmnop","expires_at":"2026-01-26T10:00:00Z"}`, want: refused + "expires_at must be later than now and before the year 10000"},
		{name: "a time after the year 9999", request: `{"action":"expire","key_id":"abcdefghijklmnop","expires_at":"9999-12-31T23:30:00-01:00"}`, want: refused + "expires_at must be later than now and before the year 10000"},
		{name: "a name in other case", request: `{"action":"list","Tenant_ID":"acme"}`, want: refused + "tenant_id is required; Tenant_ID is not a known field"},
		{
			name:    "every value invalid",
			request: `{"action":"issue","tenant_id":"a#b","scopes":["all","logs:read","logs:read"],"expires_at":"tomorrow","colour":"red"}`,
			want: refused + "colour is not a known field; expires_at must be a time such as 2026-01-26T10:00:00Z: RFC 3339 with capital T and Z, at most 9 digits after the second, no leap second, year 0001 to 9999; " +
				"scopes is not a known scope: all; scopes names a scope twice: logs:read; " +
				"tenant_id must be 1 to 64 letters, digits, underscores or hyphens",
		},
		{
			name:    "every type wrong",
			request: `{"action":"issue","tenant_id":7,"scopes":"logs:read","expires_at":null}`,
			want:    refused + "expires_at has the wrong type, want a string; scopes has the wrong type, want an array of strings; tenant_id has the wrong type, want a string",
		},
		{name: "no scopes", request: `{"action":"issue","tenant_id":"acme","scopes":[]}`, want: refused + "scopes must have at least one entry"},
		{name: "a name that no header can hold", request: "{\"action\":\"list\",\"tenant_id\":\"acme\",\"\x7f\\n\":1}", want: refused + "\uFFFD\uFFFD is not a known field"},
		{
			name: "more members than an error names", request: `{"action":"list","tenant_id":"acme"` + manyMembers(1000) + `}`,
			want: refused + strings.Repeat("; "+strings.Repeat("x", apperr.MaxExcerpt-1)+"… is not a known field", apperr.MaxFields)[2:],
		},
		{name: "a duplicate name that no header can hold", request: "{\"\x7f\":1,\"\x7f\":2}", want: "the request must be one JSON object: duplicate name /\uFFFD"},
		{name: "not an object", request: `["issue"]`, want: "the request must be one JSON object: not an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse([]byte(tt.request), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC))
			if err == nil {
				t.Fatal("the request is accepted")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestMustBeOneStrictObject(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `null`, `{"action":"issue","action":"revoke"}`, `{"action":"issue","tenant_id":"acme"} {}`, "{\"action\":\"issue\",\"tenant_id\":\"\xff\"}",
	} {
		if r, err := parse([]byte(text), time.Now()); err == nil {
			t.Errorf("parse(%q) = %+v, want an error", text, r)
		}
	}
}
