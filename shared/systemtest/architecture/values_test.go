package architecture_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// items returns the items of a list, or the value itself where the template has one
// value in place of a list.
func items(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}

// word returns a text, a number or a boolean as text, and "" for anything else.
func word(value any, names ...string) string {
	switch v := at(value, names...).(type) {
	case string, json.Number, bool:
		return fmt.Sprint(v)
	}
	return ""
}

// integer returns the number at a path of names, or otherwise without one.
func integer(otherwise int, value any, names ...string) int {
	n, err := strconv.Atoi(word(value, names...))
	if err != nil {
		return otherwise
	}
	return n
}

// referent is what a value refers to: a resource, and its attribute after GetAtt.
type referent struct{ name, attribute string }

// refersTo returns the reference that a value is, if it is one.
func refersTo(value any) (referent, bool) {
	m := asMap(value)
	if len(m) != 1 {
		return referent{}, false
	}
	if name, is := m["Ref"].(string); is {
		return referent{name: name}, true
	}
	switch argument := m["Fn::GetAtt"].(type) {
	case string:
		name, attribute, _ := strings.Cut(argument, ".")
		return referent{name, attribute}, true
	case []any:
		return referent{fmt.Sprint(argument[0]), fmt.Sprint(argument[1:]...)}, true
	}
	return referent{}, false
}

// references returns everything that a value refers to.
func references(value any) []referent {
	if found, is := refersTo(value); is {
		return []referent{found}
	}
	var all []referent
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			all = append(all, references(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch {
			case key == "DependsOn":
				for _, name := range items(v[key]) {
					all = append(all, referent{name: fmt.Sprint(name)})
				}
				continue
			case key == "Fn::Sub":
				own := asMap(at(v, key))
				if list, is := v[key].([]any); is && len(list) == 2 {
					own = asMap(list[1])
				}
				all = append(all, inText(fmt.Sprint(items(v[key])[0]), own)...)
			}
			all = append(all, references(v[key])...)
		}
	}
	return all
}

// inText returns the references of a text of Fn::Sub, except to its own variables.
func inText(text string, own map[string]any) []referent {
	var all []referent
	for _, match := range regexp.MustCompile(`\$\{([^!}]+)\}`).FindAllStringSubmatch(text, -1) {
		name, attribute, _ := strings.Cut(match[1], ".")
		if _, is := own[name]; !is {
			all = append(all, referent{name, attribute})
		}
	}
	return all
}

// encoded returns a value as JSON, which is how AWS measures it.
func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // values of YAML and JSON can be encoded
	}
	return string(text)
}

// longestJSON returns the size of a value as JSON, with the longest physical names that
// CloudFormation can generate in place of references.
func longestJSON(d deployment, value any) int {
	kinds := make(map[string]string)
	for _, r := range d.of("") {
		kinds[r.name] = r.kind
	}
	return len(encoded(longest(kinds, value)))
}

// longest replaces references by texts of the greatest length.
func longest(kinds map[string]string, value any) any {
	if found, is := refersTo(value); is {
		return strings.Repeat("x", longestName(kinds[found.name], found.attribute))
	}
	switch v := value.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			list = append(list, longest(kinds, item))
		}
		return list
	case map[string]any:
		if text, is := v["Fn::Sub"].(string); is && len(v) == 1 {
			for _, r := range inText(text, nil) {
				text = strings.Replace(text, "${", strings.Repeat("x", longestName(kinds[r.name], r.attribute)), 1)
			}
			return text
		}
		m := make(map[string]any, len(v))
		for key, member := range v {
			m[key] = longest(kinds, member)
		}
		return m
	}
	return value
}

// longestName returns the greatest length of a Ref (no attribute) or a GetAtt of a type.
// The limits are those of the services, which CloudFormation keeps in generated names.
func longestName(kind, attribute string) int {
	const arn = len("arn:aws-us-gov:dynamodb:ap-southeast-1:123456789012:")
	names := map[string]int{
		"AWS::DynamoDB::Table": 255, "AWS::SQS::Queue": 80, "AWS::Lambda::Function": 64, "AWS::IAM::Role": 64, "AWS::Logs::LogGroup": 512,
		"AWS::Events::EventBus": 256, "AWS::Events::Rule": 64, "AWS::KMS::Key": 36, "AWS::ApiGatewayV2::Api": 10,
	}
	name, known := names[kind]
	switch {
	case !known:
		return 512
	case kind == "AWS::Events::Rule" && attribute == "Arn":
		return arn + len("rule/") + 256 + 1 + name // the name of the bus precedes that of the rule
	case attribute == "Arn":
		return arn + len("function:") + name
	case kind == "AWS::SQS::Queue" && attribute == "":
		return len("https://sqs.ap-southeast-1.amazonaws.com.cn/123456789012/") + name
	}
	return name
}
