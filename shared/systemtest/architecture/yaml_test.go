package architecture_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// resource is a resource of template.yaml. The short forms of CloudFormation's
// functions are expanded: !Ref X is {"Ref": "X"}.
type resource struct {
	name       string
	kind       string
	body       map[string]any
	properties map[string]any
}

// resources returns the template's resources of a type, or all resources for "".
func resources(t testing.TB, kind string) []resource {
	t.Helper()
	all := section(t, "Resources")
	var list []resource
	for _, name := range slices.Sorted(maps.Keys(all)) {
		body, _ := all[name].(map[string]any)
		r := resource{name: name, body: body}
		r.kind, _ = body["Type"].(string)
		r.properties, _ = body["Properties"].(map[string]any)
		if kind == "" || r.kind == kind {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		t.Fatalf("template.yaml has no resource of the type %q", kind)
	}
	return list
}

// section returns a part of the template, such as Parameters.
func section(t testing.TB, name string) map[string]any {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "template.yaml")), &document); err != nil {
		t.Fatalf("template.yaml: %v", err)
	}
	root, _ := plain(document.Content[0]).(map[string]any)
	all, _ := root[name].(map[string]any)
	if len(all) == 0 {
		t.Fatalf("template.yaml has no %s", name)
	}
	return all
}

// plain converts a node to maps, lists and strings.
func plain(node *yaml.Node) any {
	switch node.Kind {
	case yaml.AliasNode:
		return plain(node.Alias)
	case yaml.MappingNode:
		m := make(map[string]any)
		for i := 0; i+1 < len(node.Content); i += 2 {
			value := plain(node.Content[i+1])
			if merged, isMap := value.(map[string]any); isMap && node.Content[i].Tag == "!!merge" {
				maps.Copy(m, merged) // template.yaml overrides no merged key
				continue
			}
			m[node.Content[i].Value] = value
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			list = append(list, plain(item))
		}
		return list
	}
	if name, isFunction := strings.CutPrefix(node.Tag, "!"); isFunction && !strings.HasPrefix(name, "!") && name != "" {
		if name != "Ref" {
			name = "Fn::" + name
		}
		return map[string]any{name: node.Value}
	}
	return node.Value
}

// at returns the value at a path of names, or nil.
func at(value any, names ...string) any {
	for _, name := range names {
		m, _ := value.(map[string]any)
		value = m[name]
	}
	return value
}

// text returns the string at a path of names. For !Ref and !GetAtt it returns the
// name of the resource.
func text(value any, names ...string) string {
	switch v := at(value, names...).(type) {
	case string:
		return v
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return ref
		}
		attribute, _ := v["Fn::GetAtt"].(string)
		name, _, _ := strings.Cut(attribute, ".")
		return name
	}
	return ""
}

// number returns the number at a path of names, or otherwise without one.
func number(t testing.TB, otherwise int, value any, names ...string) int {
	t.Helper()
	found := at(value, names...)
	if found == nil {
		return otherwise
	}
	n, err := strconv.Atoi(fmt.Sprint(found))
	if err != nil {
		t.Fatalf("%v of the template is %v, want a number", names, found)
	}
	return n
}

// function is a Lambda function of the template.
type function struct {
	resource
	folder string   // below functions/
	routes []string // such as "GET /api/v1/webhooks"; without the default route
}

// functions returns the Lambda functions of the template.
func functions(t testing.TB) []function {
	t.Helper()
	var list []function
	for _, r := range resources(t, "AWS::Serverless::Function") {
		f := function{resource: r}
		f.folder = strings.Trim(strings.TrimPrefix(text(r.properties, "CodeUri"), "functions/"), "/")
		events, _ := r.properties["Events"].(map[string]any)
		for _, event := range events {
			if route := text(event, "Properties", "Path"); text(event, "Type") == "HttpApi" && strings.HasPrefix(route, "/") {
				f.routes = append(f.routes, text(event, "Properties", "Method")+" "+route)
			}
		}
		list = append(list, f)
	}
	return list
}
