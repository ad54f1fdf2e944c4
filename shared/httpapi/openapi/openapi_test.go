package openapi_test

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/auth"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/httpapi/openapi"
	"webhooks/shared/testkit/openapitest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/signature"
)

// schema returns a schema of the document, or a property below it.
func schema(t testing.TB, name string, properties ...string) *openapi3.Schema {
	t.Helper()
	ref := openapitest.Document(t).Components.Schemas[name]
	for _, property := range properties {
		if ref == nil || ref.Value == nil {
			break
		}
		ref = ref.Value.Properties[property]
	}
	if ref == nil || ref.Value == nil {
		t.Fatalf("the document has no schema %s %v", name, properties)
	}
	return ref.Value
}

// enum returns values as an enum of the document.
func enum[T ~string](values []T) []any {
	var list []any
	for _, v := range values {
		list = append(list, string(v))
	}
	return list
}

func TestEnumsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(enum(event.Types()), schema(t, "EventType").Enum); diff != "" {
		t.Errorf("event types (-code +document):\n%s", diff)
	}
	if diff := cmp.Diff(enum(attemptlog.Outcomes()), schema(t, "Log", "outcome").Enum); diff != "" {
		t.Errorf("outcomes (-code +document):\n%s", diff)
	}
	if diff := cmp.Diff(enum(append(event.Types(), event.Test)), schema(t, "Log", "event_type").Enum); diff != "" {
		t.Errorf("event types of logs (-code +document):\n%s", diff)
	}
	text := openapitest.Document(t).Components.SecuritySchemes["Token"].Value.Description
	for _, scope := range auth.Scopes() {
		if !strings.Contains(text, "`"+string(scope)+"`") {
			t.Errorf("the security scheme does not name the scope %s", scope)
		}
	}
}

func TestLimitsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	components := openapitest.Document(t).Components
	name, secret := schema(t, "Name"), schema(t, "Secret")
	list := components.Schemas["NewEvents"].Value.Properties["events"].Value
	webhooks := openapitest.Document(t).Paths.Value("/api/v1/webhooks").Get.Responses.Value("200").Value.Content["application/json"].
		Schema.Value.Properties["data"].Value.Properties["items"].Value
	tests := []struct {
		name      string
		got, want uint64
	}{
		{name: "shortest name", got: name.MinLength, want: webhook.MinNameLength},
		{name: "longest name", got: *name.MaxLength, want: webhook.MaxNameLength},
		{name: "longest URL", got: *schema(t, "URL").MaxLength, want: guard.MaxURLBytes},
		{name: "shortest secret", got: secret.MinLength, want: signature.MinSecretCharacters},
		{name: "longest secret", got: *secret.MaxLength, want: signature.MaxSecretCharacters},
		{name: "webhooks of a tenant", got: *webhooks.MaxItems, want: webhook.MaxPerTenant},
		{name: "events of a request", got: *list.MaxItems, want: 100}, // a test of publish-events sends 101
		{name: "days of two secrets", got: uint64(*schema(t, "Rotation", "overlap_days").Max), want: webhook.MaxOverlapDays},
		{name: "seconds between tests", got: 5, want: uint64(webhook.TestInterval.Seconds())},
		{name: "seconds of a test", got: 5, want: uint64(webhook.TestTimeout.Seconds())},
		{name: "fields that an error names", got: *schema(t, "RefusedFields", "errors").MaxItems, want: apperr.MaxFields},
		{name: "bytes of an event's data", got: 256 << 10, want: event.MaxData},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: the document says %d, the code %d", tt.name, tt.got, tt.want)
		}
	}
	for _, id := range []string{"WebhookID", "LogID"} {
		if s := schema(t, id); *s.Min != 1 || *s.Max != math.MaxInt64 {
			t.Errorf("%s is from %v to %v, want a positive int64", id, *s.Min, *s.Max)
		}
	}
}

// TestPatternsAgreeWithTheCode tries edge cases of the rules that the document states
// as patterns.
func TestPatternsAgreeWithTheCode(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"", "1234567", "12345678", strings.Repeat("密", 256), strings.Repeat("密", 257), "1234567\n", "1234567\u0085", "tab\tinside",
		"whsec_", "whsec_your-secret-key", "whsec_" + strings.Repeat("A", 28), "whsec_" + strings.Repeat("A", 28) + "AA==",
		"whsec_" + strings.Repeat("A", 32), "whsec_" + strings.Repeat("A", 31) + "=", "whsec_" + strings.Repeat("A", 34) + "==",
		"whsec_" + strings.Repeat("A", 33) + "B==", "whsec_" + strings.Repeat("A", 35) + "=", "whsec_" + strings.Repeat("A", 34) + "B=",
		"whsec_" + strings.Repeat("A", 33) + "=", "whsec_" + strings.Repeat("A", 84), "whsec_" + strings.Repeat("A", 86) + "==",
		"whsec_" + strings.Repeat("A", 87) + "=", "whsec_" + strings.Repeat("A", 88), "whsec_" + strings.Repeat("A", 32) + "\n", "WHSEC_12345678",
		signature.NewSecret(),
	}
	for _, secret := range secrets {
		_, err := signature.ParseSecret(secret)
		same(t, "Secret", secret, err == nil)
	}
	for _, id := range []string{"", "a", "A-z_9", strings.Repeat("a", 64), strings.Repeat("a", 65), "a.b", "a#b", "é", "a\n"} {
		same(t, "EventID", id, event.ValidID(id))
	}
	for _, name := range []string{"", " ", "\u3000", "\u00a0\u2007\u2028", "\u200b", " a ", "a\x00", "a\u009f", "a\n", strings.Repeat("名", 128), strings.Repeat("名", 129)} {
		_, err := webhook.DecodePatch([]byte(`{"name":`+quoted(t, name)+`}`), 1, anyURL{})
		same(t, "Name", name, err == nil)
	}
}

// same checks that the document and the code both accept a text, or both refuse it.
func same(t testing.TB, name, text string, accepted bool) {
	t.Helper()
	err := schema(t, name).VisitJSON(text, openapi3.EnableJSONSchema2020())
	if (err == nil) != accepted {
		t.Errorf("%s %q: accepted by the code: %v; error of the document: %v", name, text, accepted, err)
	}
}

func TestRateLimitsAgreeWithTheCode(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{-1, 0, 1e-9, 0.0999, 0.1, 0.5, 5.0 / 3, 1000, 1000.001} {
		text := strconv.FormatFloat(rate, 'g', -1, 64)
		_, refused := webhook.DecodePatch([]byte(`{"rate_limit":`+text+`}`), 1, anyURL{})
		if err := schema(t, "RateLimit").VisitJSON(rate); (err == nil) != (refused == nil) {
			t.Errorf("%s: the code says %v, the document %v", text, refused, err)
		}
	}
	if shown := schema(t, "ShownRateLimit"); *shown.Min != webhook.MinRateLimit || *shown.Max != webhook.MaxRateLimit {
		t.Errorf("shown from %v to %v", *shown.Min, *shown.Max)
	}
}

func TestRoutesHaveTheirScopes(t *testing.T) {
	t.Parallel()
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			public := o.Security != nil && len(*o.Security) == 0
			if public != (path == "/api/v1/openapi.json") {
				t.Errorf("%s %s: public is %v", method, path, public)
				continue
			}
			if public {
				continue
			}
			scope := openapitest.Scope(o)
			if !slices.Contains(auth.Scopes(), auth.Scope(scope)) || !strings.Contains(o.Description, "Scope `"+scope+"`") {
				t.Errorf("%s %s: the scope is %q, and the description says %q", method, path, scope, o.Description)
			}
		}
	}
}

// TestRoutesDocumentTheCommonErrors checks that every route documents the errors that
// any route may return.
func TestRoutesDocumentTheCommonErrors(t *testing.T) {
	t.Parallel()
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			want := []int{http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
			if o.Security == nil || len(*o.Security) > 0 {
				want = append(want, http.StatusUnauthorized, http.StatusForbidden)
			}
			if o.RequestBody != nil {
				want = append(want, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
			}
			if strings.Contains(path, "{") {
				want = append(want, http.StatusNotFound)
			}
			for _, status := range want {
				if o.Responses.Status(status) == nil {
					t.Errorf("%s %s has no %d", method, path, status)
				}
			}
		}
	}
}

func TestETagHas32Digits(t *testing.T) {
	t.Parallel()
	if got := openapi.ETag(); len(got) != 34 || got[0] != '"' || got[33] != '"' || got != openapi.ETag() {
		t.Errorf("ETag = %s, want 32 digits in quotes, always the same", got)
	}
}

// TestCodesAreComplete checks that the responses have exactly the codes of apperr.
func TestCodesAreComplete(t *testing.T) {
	t.Parallel()
	got := make(map[apperr.Reason]bool)
	for name, response := range openapitest.Document(t).Components.Responses {
		for _, code := range codes(response.Value) {
			got[code] = true
			if _, known := apperr.Reasons()[code]; !known {
				t.Errorf("%s has the code %d, which apperr does not have", name, code)
			}
		}
	}
	for reason := range apperr.Reasons() {
		if !got[reason] {
			t.Errorf("no response has the code %d", reason)
		}
	}
}
