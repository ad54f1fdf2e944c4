package architecture_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/testkit/openapitest"
)

// reference is the API reference for people. It must say what the OpenAPI document
// says, which the tests compare with every response.
const reference = "functions/README.md"

// operation is an operation of the OpenAPI document with its part of the
// reference, where `METHOD /path` is the first line.
type operation struct {
	*openapi3.Operation
	route string // "GET /api/v1/webhooks"
	part  part
}

func operations(t testing.TB) []operation {
	t.Helper()
	parts := pageNamed(t, reference).parts()
	var list []operation
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			route := method + " " + path
			i := slices.IndexFunc(parts, func(p part) bool { return strings.HasPrefix(strings.TrimSpace(p.text), "`"+route+"`\n") })
			if i < 0 {
				t.Fatalf("%s has no heading with `%s` as the first line below it", reference, route)
			}
			list = append(list, operation{Operation: o, route: route, part: parts[i]})
		}
	}
	return list
}

// TestReferenceNamesEveryErrorOfARoute compares the error codes of each route.
// Those that every route with a scope can return are listed once.
func TestReferenceNamesEveryErrorOfARoute(t *testing.T) {
	t.Parallel()
	codes := regexp.MustCompile("`([0-9]{5})`")
	common := codesIn(codes, pageNamed(t, reference).part(t, "Requests and responses").text)
	for _, o := range operations(t) {
		got := codesIn(codes, o.part.text)
		want := map[string]bool{}
		for _, response := range o.Responses.Map() {
			for _, media := range response.Value.Content {
				collectCodes(media.Schema, want)
			}
		}
		delete(want, "0")     // a success
		delete(want, "40402") // of a path that no route has
		delete(want, "40501") // of a method that no route has
		if openapitest.Scope(o.Operation) != "" {
			for code := range common {
				if !want[code] {
					t.Errorf("%s says that every route with a scope can return %s, and %s cannot", reference, code, o.route)
				}
				delete(want, code)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %s: the error codes are not those of the OpenAPI document (-document +page):\n%s", reference, o.part.title, diff)
		}
	}
}

func codesIn(codes *regexp.Regexp, text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range codes.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

// collectCodes adds the error codes that an answer's envelope may have.
func collectCodes(schema *openapi3.SchemaRef, into map[string]bool) {
	if code := schema.Value.Properties["code"]; code != nil {
		for _, value := range code.Value.Enum {
			into[fmt.Sprint(value)] = true
		}
	}
	for _, alternative := range schema.Value.OneOf {
		collectCodes(alternative, into)
	}
}

// TestReferenceListsEveryErrorCode: a code never changes its meaning, so the
// list is complete.
func TestReferenceListsEveryErrorCode(t *testing.T) {
	t.Parallel()
	want, got := make(map[string]bool), make(map[string]bool)
	for reason := range apperr.Reasons() {
		want[strconv.Itoa(int(reason))] = true
	}
	for _, row := range pageNamed(t, reference).part(t, "Errors").tables()[0].rows {
		got[row[0]] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the error codes of %s are not those of package apperr (-apperr +page):\n%s", reference, diff)
	}
}

// TestReferenceHasTheFieldsOfTheDocument compares names, types and whether a
// field is required.
func TestReferenceHasTheFieldsOfTheDocument(t *testing.T) {
	t.Parallel()
	schemas := openapitest.Document(t).Components.Schemas
	for _, want := range []struct {
		title, column string
		schemas       []string
	}{
		{"Rotate the secret", "request field", []string{"Rotation"}},
		{"Rotate the secret", "response field", []string{"RotatedSecret"}},
		{"Test a webhook", "response field", []string{"TestResult"}},
		{"List the logs", "response field", []string{"Log", "Pagination"}},
		{"Resend a log", "response field", []string{"Resent"}},
		{"Publish events", "request field", []string{"NewEvent", "NewEvents"}},
		{"Publish events", "response field", []string{"PublishedEvent", "PublishedEvents"}},
	} {
		fields := map[string]field{}
		for _, name := range want.schemas {
			maps.Copy(fields, fieldsOf(schemas[name].Value))
		}
		compareFields(t, want.title, want.column, fields)
	}
	for _, o := range operations(t) {
		fields := map[string]field{}
		for _, p := range o.Parameters {
			if p.Value.In == "query" {
				fields[p.Value.Name] = field{kind: kindOf(p.Value.Schema.Value), standard: p.Value.Schema.Value.Default}
			}
		}
		compareFields(t, o.part.title, "query parameter", fields)
	}
}

// field is a field of a request or a response in the OpenAPI document.
type field struct {
	kind     string // in the words of the reference
	required bool
	standard any // its default
}

func fieldsOf(schema *openapi3.Schema) map[string]field {
	fields := map[string]field{}
	for name, property := range schema.Properties {
		fields[name] = field{kind: kindOf(property.Value), required: slices.Contains(schema.Required, name)}
	}
	return fields
}

func kindOf(schema *openapi3.Schema) string {
	switch {
	case schema.Format == "date-time":
		return "time"
	case schema.Type == nil:
		return "any JSON"
	}
	return schema.Type.Slice()[0]
}

// compareFields compares the tables below a heading whose first column has the
// given name with fields.
func compareFields(t *testing.T, title, column string, want map[string]field) {
	t.Helper()
	seen := map[string]bool{}
	for _, table := range pageNamed(t, reference).part(t, title).tables() {
		if table.head[0] != column {
			continue
		}
		for _, row := range table.rows {
			name := plainText(row[0])
			seen[name] = true
			f, known := want[name]
			if !known {
				t.Errorf("%s, %s: the OpenAPI document has no %s %s", reference, title, column, name)
				continue
			}
			if row[1] != f.kind {
				t.Errorf("%s, %s: %s is of the type %s, and in the OpenAPI document %s", reference, title, name, row[1], f.kind)
			}
			if i := table.column("required"); i > 0 && row[i] != map[bool]string{true: "yes", false: "no"}[f.required] {
				t.Errorf("%s, %s: required is %q of %s, and %v in the OpenAPI document", reference, title, row[i], name, f.required)
			}
			standard := "none"
			if f.standard != nil {
				standard = fmt.Sprint(f.standard)
			}
			if i := table.column("default"); i > 0 && row[i] != standard {
				t.Errorf("%s, %s: the default of %s is %s, and %s in the OpenAPI document", reference, title, name, row[i], standard)
			}
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("%s, %s: no table has the %s %s", reference, title, column, name)
		}
	}
}

// TestReferenceHasTheFieldsOfAWebhook compares the table of a webhook's fields
// with the requests that take them and the answers that show them.
func TestReferenceHasTheFieldsOfAWebhook(t *testing.T) {
	t.Parallel()
	schemas := openapitest.Document(t).Components.Schemas
	fields := func(name string) map[string]field { return fieldsOf(schemas[name].Value) }
	create, update := fields("WebhookCreation"), fields("WebhookPatch")
	shown := []struct {
		by     string
		fields map[string]field
	}{{"create", fields("CreatedWebhook")}, {"list", fields("ListedWebhook")}, {"get", fields("Webhook")}}

	want := map[string][]string{} // type, create, update, shown by
	for name, f := range fields("Webhook") {
		row := []string{f.kind, "", "optional", ""}
		if f, taken := create[name]; taken {
			row[1] = map[bool]string{true: "required", false: "optional"}[f.required]
		}
		if _, taken := update[name]; !taken {
			row[2] = ""
		} else if schemas["WebhookPatch"].Value.Properties[name].Value.Description == "Ignored." {
			row[2] = "ignored"
		}
		var by []string
		for _, answer := range shown {
			if _, has := answer.fields[name]; has {
				by = append(by, answer.by)
			}
		}
		row[3] = strings.Join(by, ", ")
		want[name] = row
	}
	got := map[string][]string{}
	for _, row := range pageNamed(t, reference).part(t, "Webhooks").tables()[0].rows {
		got[plainText(row[0])] = row[1:5]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s, Webhooks: the fields are not those of the OpenAPI document (-document +page):\n%s", reference, diff)
	}
}

func TestReferenceListsEveryEventType(t *testing.T) {
	t.Parallel()
	var names []string
	for _, kind := range event.Types() {
		names = append(names, "`"+string(kind)+"`")
	}
	want := strings.Join(names, ", ") + "."
	if got := strings.TrimSpace(pageNamed(t, reference).part(t, "Event types").text); got != want {
		t.Errorf("%s, Event types: %s\nwant %s", reference, got, want)
	}
}
