package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"webhooks/shared/httpapi/openapi"
	"webhooks/shared/testkit/openapitest"
)

// route is where the service has its document, below its address.
const route = "/api/v1/openapi.json"

// inner are the keywords whose value is one schema, and lists those whose value is a
// list of schemas.
var (
	inner = []string{"items", "not", "additionalProperties"}
	lists = []string{"oneOf", "anyOf", "allOf"}
)

// TestSchemasAreOfTheKindThatGeneratorsRead keeps out what stops a client generator, or
// makes it leave out an operation. `make clients` runs the generators.
func TestSchemasAreOfTheKindThatGeneratorsRead(t *testing.T) {
	t.Parallel()
	var document map[string]any
	if err := json.Unmarshal([]byte(openapi.Document()), &document); err != nil {
		t.Fatal(err)
	}
	if version := document["openapi"]; version != "3.0.3" {
		t.Errorf("the document is OpenAPI %v, want 3.0.3, which every generator reads", version)
	}
	for where, schema := range schemas(document, "") {
		for _, fault := range faults(schema) {
			t.Errorf("%s %s", where, fault)
		}
	}
}

// TestUnreadableSchemasAreFound tries the check itself.
func TestUnreadableSchemasAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"type":["string","null"]}`, `{"const":0}`, `{"enum":[1]}`, `{"type":"null"}`, `{"properties":{"a":{}}}`,
		`{"$ref":"#/components/schemas/Time","description":"d"}`, `{"type":"array"}`,
		`{"type":"string","anyOf":[{"pattern":"a"}]}`, `{"type":"object","anyOf":[{"required":["a"]}]}`,
		`{"type":"object","additionalProperties":{"const":1}}`, `{"oneOf":[{"type":["string"]}]}`,
	} {
		var document any
		if err := json.Unmarshal([]byte(`{"schema":`+text+`}`), &document); err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, schema := range schemas(document, "") {
			count += len(faults(schema))
		}
		if count == 0 {
			t.Errorf("no fault found in %s", text)
		}
	}
}

// schemas returns every schema of a part of the document by its place, those in `not`
// excepted: generators leave conditions out.
func schemas(part any, where string) map[string]map[string]any {
	found := map[string]map[string]any{}
	add := func(more map[string]map[string]any) {
		for place, schema := range more {
			found[place] = schema
		}
	}
	switch part := part.(type) {
	case []any:
		for i, value := range part {
			add(schemas(value, fmt.Sprint(where, "/", i)))
		}
	case map[string]any:
		for name, value := range part {
			switch place := where + "/" + name; {
			case name == "schema":
				add(within(value, place))
			case place == "/components/schemas":
				for schema, value := range value.(map[string]any) {
					add(within(value, place+"/"+schema))
				}
			case name != "example" && name != "examples":
				add(schemas(value, place))
			}
		}
	}
	return found
}

// within returns a schema with those inside it.
func within(value any, where string) map[string]map[string]any {
	schema, is := value.(map[string]any)
	if !is {
		return nil
	}
	found := map[string]map[string]any{where: schema}
	add := func(name string, value any) {
		for place, schema := range within(value, where+"/"+name) {
			found[place] = schema
		}
	}
	for name, value := range schema {
		switch {
		case name == "properties":
			for property, value := range value.(map[string]any) {
				add(property, value)
			}
		case slices.Contains(inner, name) && name != "not":
			add(name, value)
		case slices.Contains(lists, name):
			for i, value := range value.([]any) {
				add(fmt.Sprint(name, i), value)
			}
		}
	}
	return found
}

// faults says what generators cannot read in a schema.
func faults(schema map[string]any) []string {
	var list []string
	kind, typed := schema["type"]
	has := func(name string) bool { _, is := schema[name]; return is }
	if _, one := kind.(string); typed && !one {
		list = append(list, "has a list of types: oapi-codegen and ogen refuse the document")
	}
	if has("const") || kind == "null" {
		list = append(list, "has a keyword of OpenAPI 3.1: use an enum of one value, and nullable")
	}
	if has("$ref") && len(schema) > 1 {
		list = append(list, "has keywords beside $ref, which OpenAPI 3.0 ignores")
	}
	if !typed && (has("enum") || has("properties") || has("items") || has("pattern")) {
		list = append(list, "has no type: generators make it an any")
	}
	if kind == "array" && !has("items") {
		list = append(list, "is a list without items")
	}
	if has("anyOf") || has("allOf") {
		list = append(list, "has anyOf or allOf: ogen refuses them; use oneOf, and `not` for conditions")
	}
	return list
}

// TestNamesOfSchemasCannotCollide: generators for Go make a constructor NewX of each
// schema X, and constants of each value of a named enum.
func TestNamesOfSchemasCannotCollide(t *testing.T) {
	t.Parallel()
	named := openapitest.Document(t).Components.Schemas
	owner := map[string]string{}
	for name, schema := range named {
		if other, is := strings.CutPrefix(name, "New"); is && named[other] != nil && named[other].Value.Type.Is("object") {
			t.Errorf("%s is also the name of the constructor of %s", name, other)
		}
		for _, value := range schema.Value.Enum {
			text := fmt.Sprint(value)
			if owner[text] != "" {
				t.Errorf("%s and %s both have the value %s", owner[text], name, text)
			}
			owner[text] = name
		}
	}
}

// TestTextsHaveNoInvisibleCharacters: generators copy patterns into comments, and Go
// refuses a byte order mark there. A pattern has \uFEFF instead.
func TestTextsHaveNoInvisibleCharacters(t *testing.T) {
	t.Parallel()
	var document any
	if err := json.Unmarshal([]byte(openapi.Document()), &document); err != nil {
		t.Fatal(err)
	}
	var walk func(part any)
	walk = func(part any) {
		switch part := part.(type) {
		case string:
			if i := strings.IndexFunc(part, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%.60q has an invisible character at byte %d", part, i)
			}
		case []any:
			for _, value := range part {
				walk(value)
			}
		case map[string]any:
			for _, value := range part {
				walk(value)
			}
		}
	}
	walk(document)
}

// TestRequestBodiesAreNamed: oapi-codegen sends {} for a oneOf without a name.
func TestRequestBodiesAreNamed(t *testing.T) {
	t.Parallel()
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			if o.RequestBody != nil && o.RequestBody.Value.Content["application/json"].Schema.Ref == "" {
				t.Errorf("%s %s: the schema of the body has no name", method, path)
			}
		}
	}
}

// TestTheFirstServerIsTheAddressOfTheDocument: behind the prefix of the local stack, at
// `sam local start-api` and on AWS, a viewer that loaded the document calls the service
// from which it has it (OpenAPI 3.0.3, "Relative References in URLs").
func TestTheFirstServerIsTheAddressOfTheDocument(t *testing.T) {
	t.Parallel()
	servers := openapitest.Document(t).Servers
	for _, address := range []string{
		"http://127.0.0.1:4566/_aws/execute-api/abcde12345/$default", "http://127.0.0.1:3000",
		"https://abcde12345.execute-api.us-east-1.amazonaws.com", "https://api.example.com/v2/webhooks",
	} {
		document, err := url.Parse(address + route)
		if err != nil {
			t.Fatal(err)
		}
		server, err := document.Parse(servers[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(server.String(), "/"); got != address {
			t.Errorf("the server of the document at %s is %s, want %s", document, got, address)
		}
	}
}

// TestOneServerTakesAnyAddress: generators and viewers let people fill in a variable.
func TestOneServerTakesAnyAddress(t *testing.T) {
	t.Parallel()
	server := openapitest.Document(t).Servers[1]
	if server.URL != "{address}" || server.Variables["address"] == nil || len(server.Variables["address"].Enum) > 0 {
		t.Fatalf("server = %+v, want the variable address with any value", server)
	}
	if address, err := url.Parse(server.Variables["address"].Default); err != nil || !address.IsAbs() || address.Path != "" {
		t.Errorf("the default is %q (%v), want an absolute URL without a path", server.Variables["address"].Default, err)
	}
}
