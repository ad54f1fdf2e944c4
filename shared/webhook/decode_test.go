package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/signature"
)

func urls(t testing.TB) webhook.URLChecker {
	t.Helper()
	g, err := guard.New(guard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// body returns the smallest body that a POST accepts, with members replaced. A
// member with the value "" is left out.
func body(members map[string]string) []byte {
	all := map[string]json.RawMessage{
		"name":   json.RawMessage(`"n"`),
		"url":    json.RawMessage(`"https://receiver.example/webhook"`),
		"events": json.RawMessage(`["alert.resolved"]`),
	}
	for name, value := range members {
		if value == "" {
			delete(all, name)
		} else {
			all[name] = json.RawMessage(value)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return text
}

func TestDecodeRegistration(t *testing.T) {
	t.Parallel()
	got, err := webhook.DecodeRegistration([]byte(`{
		"name": "环境事件通知",
		"url": "https://your-server.com/webhook",
		"secret": "your-secret-key",
		"events": ["environment.started", "environment.created"],
		"enabled": false,
		"rate_limit": 2.50
	}`), urls(t))
	if err != nil {
		t.Fatal(err)
	}
	want := webhook.Registration{
		Name: "环境事件通知", URL: "https://your-server.com/webhook", Secret: "your-secret-key",
		Events: []event.Type{event.EnvironmentStarted, event.EnvironmentCreated}, RateLimit: 2.5,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDecodeRegistrationDefaults(t *testing.T) {
	t.Parallel()
	got, err := webhook.DecodeRegistration(body(nil), urls(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signature.ParseSecret(got.Secret); err != nil || !got.SecretGenerated || !strings.HasPrefix(got.Secret, "whsec_") {
		t.Errorf("secret %q, generated %v, want a generated whsec_ secret", got.Secret, got.SecretGenerated)
	}
	if !got.Enabled || got.RateLimit != 0 {
		t.Errorf("enabled: %t, rate limit %v, want enabled without a limit by default", got.Enabled, got.RateLimit)
	}
}

// refusals returns "field: problem" for every field that err names.
func refusals(t *testing.T, err error) []string {
	t.Helper()
	var e *apperr.Error
	if !errors.As(err, &e) || e.Reason != apperr.InvalidFields {
		t.Fatalf("error = %v, want refused fields", err)
	}
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Name+": "+f.Message(locale.English))
	}
	return all
}

func TestDecodeRefusesInvalidFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		field  string
		value  string
		want   string
		update string // of a PUT, if it is another
	}{
		{name: "empty name", field: "name", value: `""`, want: "must have 1 to 128 characters"},
		{name: "name of 129 characters", field: "name", value: `"` + strings.Repeat("名", 129) + `"`, want: "must have 1 to 128 characters"},
		{name: "blank name", field: "name", value: `" \u3000"`, want: "must have a visible character"},
		{name: "name of a zero width space", field: "name", value: `"\u200b"`, want: "must have a visible character"},
		{name: "name of invisible characters", field: "name", value: `"\ufeff\u2060\u00ad\u3164\ufe0f\u2800 \u200d"`, want: "must have a visible character"},
		{name: "name of combining marks", field: "name", value: `"\u0301\u20dd"`, want: "must have a visible character"},
		{name: "name that runs backwards", field: "name", value: `"\u202egpj.exe"`, want: "must not contain control characters, line breaks or characters that change the direction of text"},
		{name: "line break in a name", field: "name", value: `"a\nb"`, want: "must not contain control characters, line breaks or characters that change the direction of text"},
		{name: "number as name", field: "name", value: `1`, want: "has the wrong type, want string"},
		{name: "null name", field: "name", value: `null`, want: "must not be null", update: "must not be null; leave the field out to keep its value"},
		{name: "url of 2,049 bytes", field: "url", value: `"https://a.example/` + strings.Repeat("a", 2049-len("https://a.example/")) + `"`, want: "must not exceed 2048 bytes"},
		{name: "relative url", field: "url", value: `"/webhook"`, want: "must use https"},
		{name: "url with a space", field: "url", value: `"https://a.example/a b"`, want: "is not a valid absolute URL (no spaces, invisible characters, backslashes or invalid % escapes)"},
		{name: "url with a zero width space", field: "url", value: `"https://a.example/\u200b"`, want: "is not a valid absolute URL (no spaces, invisible characters, backslashes or invalid % escapes)"},
		{name: "url with an invalid escape", field: "url", value: `"https://a.example/?a=%zz"`, want: "is not a valid absolute URL (no spaces, invisible characters, backslashes or invalid % escapes)"},
		{name: "url with an IPv6 address", field: "url", value: `"https://[2606:4700:4700::1111]/h"`, want: "must not have an IPv6 address, which this service cannot reach; give a name or an IPv4 address"},
		{name: "url with a quotation mark", field: "url", value: `"https://a.example/?a=\"b\""`, want: "is not a valid absolute URL (no spaces, invisible characters, backslashes or invalid % escapes)"},
		{name: "http url", field: "url", value: `"http://a.example/"`, want: "must use https"},
		{name: "url with a password", field: "url", value: `"https://a:b@a.example/"`, want: "must not contain a user name or password"},
		{name: "url with a fragment", field: "url", value: `"https://a.example/#a"`, want: "must not contain a # fragment"},
		{name: "url without a host", field: "url", value: `"https:///a"`, want: "has no host or an invalid one"},
		{name: "url with a port that is not allowed", field: "url", value: `"https://a.example:22/"`, want: "has a port that is not allowed"},
		{name: "url with a port out of range", field: "url", value: `"https://a.example:65536/"`, want: "has a port that is not allowed"},
		{name: "url with a private address", field: "url", value: `"https://10.0.0.1/"`, want: "must point to a public address"},
		{name: "array as url", field: "url", value: `[]`, want: "has the wrong type, want string"},
		{name: "null url", field: "url", value: `null`, want: "must not be null", update: "must not be null; leave the field out to keep its value"},
		{name: "empty secret", field: "secret", value: `""`, want: "must have 8 to 256 characters"},
		{name: "short secret", field: "secret", value: `"1234567"`, want: "must have 8 to 256 characters"},
		{name: "tab in a secret", field: "secret", value: `"12345678\t"`, want: "must consist of visible characters, with spaces (U+0020) only between them"},
		{name: "secret of spaces", field: "secret", value: `"        "`, want: "must consist of visible characters, with spaces (U+0020) only between them"},
		{name: "whsec_ after a byte order mark", field: "secret", value: `"\ufeffwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`, want: "contains whsec_ after its beginning: remove what is in front of it"},
		{name: "whsec_ without base64", field: "secret", value: `"whsec_!"`, want: "must be standard base64 after whsec_"},
		{name: "whsec_ with a short key", field: "secret", value: `"whsec_AAAA"`, want: "must hold 24 to 64 bytes after whsec_"},
		{name: "boolean as secret", field: "secret", value: `true`, want: "has the wrong type, want string"},
		{name: "null secret", field: "secret", value: `null`, want: "must not be null; leave the field out for its default", update: "must not be null; leave the field out to keep its value"},
		{name: "no events", field: "events", value: `[]`, want: "must have at least one entry"},
		{name: "unknown event", field: "events", value: `["alert.resolved","alert.Resolved"]`, want: "is not a known event type: alert.Resolved"},
		{name: "event type of the test route", field: "events", value: `["webhook.test"]`, want: "is not a known event type: webhook.test"},
		{name: "duplicate event", field: "events", value: `["alert.resolved","alert.resolved"]`, want: "names an event type twice: alert.resolved"},
		{name: "string as events", field: "events", value: `"alert.resolved"`, want: "has the wrong type, want array of strings"},
		{name: "null among the events", field: "events", value: `[null]`, want: "has the wrong type, want array of strings"},
		{name: "null events", field: "events", value: `null`, want: "must not be null", update: "must not be null; leave the field out to keep its value"},
		{name: "string as enabled", field: "enabled", value: `"true"`, want: "has the wrong type, want boolean"},
		{name: "null enabled", field: "enabled", value: `null`, want: "must not be null; leave the field out for its default", update: "must not be null; leave the field out to keep its value"},
		{name: "rate of 0.0999", field: "rate_limit", value: `0.0999`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "rate of 1,000.1", field: "rate_limit", value: `1000.1`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "negative rate", field: "rate_limit", value: `-10`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "rate of 1e-400", field: "rate_limit", value: `1e-400`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "rate of 1e400", field: "rate_limit", value: `1e400`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "text as rate", field: "rate_limit", value: `"10"`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "boolean as rate", field: "rate_limit", value: `true`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "list as rate", field: "rate_limit", value: `[10]`, want: "must be a number from 0.1 to 1000, or 0 for no limit"},
		{name: "null rate", field: "rate_limit", value: `null`, want: "must not be null; leave the field out for its default", update: "must not be null; leave the field out to keep its value"},
		{name: "unknown field", field: "events_", value: `1`, want: "is not a known field"},
		{name: "known field in capitals", field: "Enabled", value: `true`, want: "is not a known field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := []string{tt.field + ": " + tt.want}
			_, err := webhook.DecodeRegistration(body(map[string]string{tt.field: tt.value}), urls(t))
			if d := cmp.Diff(want, refusals(t, err)); d != "" {
				t.Errorf("POST (-want +got):\n%s", d)
			}
			if tt.update != "" {
				want = []string{tt.field + ": " + tt.update}
			}
			_, err = webhook.DecodePatch([]byte(fmt.Sprintf(`{%q: %s}`, tt.field, tt.value)), 7, urls(t))
			if d := cmp.Diff(want, refusals(t, err)); d != "" {
				t.Errorf("PUT (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeAcceptsFieldsAtTheirLimits(t *testing.T) {
	t.Parallel()
	for field, value := range map[string]string{
		"name":   `"` + strings.Repeat("名", 128) + `"`,
		"url":    `"https://a.example/` + strings.Repeat("a", 2048-len("https://a.example/")) + `"`,
		"secret": `"` + strings.Repeat("密", 256) + `"`,
	} {
		if _, err := webhook.DecodeRegistration(body(map[string]string{field: value}), urls(t)); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestDecodeKeepsARateLimitAsItWasSent(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]float64{
		`0.1`: 0.1, `1000`: 1000, `1e3`: 1000, `10.0`: 10, `1.6666666666666667`: 1.6666666666666667, `0`: 0, `-0`: 0, `0.0`: 0,
	} {
		created, err := webhook.DecodeRegistration(body(map[string]string{"rate_limit": value}), urls(t))
		if err != nil || created.RateLimit != want || math.Signbit(created.RateLimit) {
			t.Errorf("POST %s: %v, %v, want %v", value, created.RateLimit, err, want)
		}
		patch, err := webhook.DecodePatch([]byte(`{"rate_limit": `+value+`}`), 7, urls(t))
		if err != nil || *patch.RateLimit != want || math.Signbit(*patch.RateLimit) {
			t.Errorf("PUT %s: %+v, %v, want %v", value, patch, err, want)
		}
	}
}

func TestDecodeNamesInvalidFieldsInTheDocumentsOrder(t *testing.T) {
	t.Parallel()
	_, err := webhook.DecodeRegistration([]byte(`{
		"zeta": 1, "alpha": 2, "webhook_id": 3,
		"rate_limit": "10", "enabled": 1, "secret": "short", "name": "",
		"events": ["nope", "alert.resolved", "nope", "alert.resolved", "alert.resolved"]
	}`), urls(t))
	want := []string{
		"name: must have 1 to 128 characters",
		"url: is required",
		"secret: must have 8 to 256 characters",
		"events: is not a known event type: nope",
		"events: names an event type twice: alert.resolved",
		"enabled: has the wrong type, want boolean",
		"rate_limit: must be a number from 0.1 to 1000, or 0 for no limit",
		"alpha: is not a known field",
		"webhook_id: is not a known field",
		"zeta: is not a known field",
	}
	if d := cmp.Diff(want, refusals(t, err)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	_, err = webhook.DecodeRegistration([]byte(`{}`), urls(t))
	if d := cmp.Diff([]string{"name: is required", "url: is required", "events: is required"}, refusals(t, err)); d != "" {
		t.Errorf("empty object (-want +got):\n%s", d)
	}
}

func TestAnErrorNamesALimitedNumberOfFields(t *testing.T) {
	t.Parallel()
	var events, unknown []string
	for i := range 1000 {
		events = append(events, fmt.Sprintf(`"%d%s"`, i, strings.Repeat("事", 100)))
		unknown = append(unknown, fmt.Sprintf(`"%d%s": 1`, i, strings.Repeat("x", 1000)))
	}
	_, err := webhook.DecodePatch([]byte(`{"enabled": 1, "events": [`+strings.Join(events, ",")+`],`+strings.Join(unknown, ",")+`}`), 7, urls(t))
	got := refusals(t, err)
	if len(got) != apperr.MaxFields {
		t.Errorf("%d problems, want %d", len(got), apperr.MaxFields)
	}
	for _, line := range got {
		if length := utf8.RuneCountInString(line); length > apperr.MaxExcerpt+64 || strings.ContainsRune(line, '\uFFFD') {
			t.Errorf("%d characters, want an excerpt of valid UTF-8: %q", length, line)
		}
	}
}

func TestDecodeRefusesInvalidJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		want string
	}{
		{name: "empty", body: ``, want: "unexpected end"},
		{name: "half an object", body: `{"name": "n"`, want: "unexpected end"},
		{name: "not JSON", body: `name=n`, want: "syntax error at byte 1"},
		{name: "an array", body: `[]`, want: "not an object"},
		{name: "null", body: `null`, want: "not an object"},
		{name: "two objects", body: `{} {}`, want: "syntax error at byte 3"},
		{name: "duplicate member", body: `{"name": "a", "name": "b"}`, want: `duplicate name /name`},
		{name: "invalid UTF-8", body: "{\"name\": \"\xff\"}", want: "syntax error at byte 10"},
		{name: "half a surrogate pair", body: `{"name": "\ud800"}`, want: "syntax error at byte 10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.DecodeRegistration([]byte(tt.body), urls(t))
			e := apperr.From(err)
			if e.Reason != apperr.InvalidJSON || e.Args[0] != tt.want {
				t.Errorf("error = %v (%v), want invalid JSON: %s", err, e.Args, tt.want)
			}
		})
	}
}
