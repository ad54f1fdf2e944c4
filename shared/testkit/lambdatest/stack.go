package lambdatest

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"webhooks/shared/testkit/cloudtest"
)

// Stack creates resources of template.yaml for one test: empty tables and queues that
// no deployed function reads. Each is created when the test first refers to it.
type Stack struct {
	t          testing.TB
	template   template
	parameters map[string]string
	made       map[string]string
}

type template struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
	} `yaml:"Parameters"`
	Resources map[string]struct {
		Type       string   `yaml:"Type"`
		Properties function `yaml:"Properties"`
	} `yaml:"Resources"`
	Globals struct {
		Function function `yaml:"Function"`
	} `yaml:"Globals"`
}

type function struct {
	MemorySize  int `yaml:"MemorySize"`
	Environment struct {
		Variables map[string]yaml.Node `yaml:"Variables"`
	} `yaml:"Environment"`
}

// NewStack returns a stack with the given parameters and the template's defaults for
// the others.
func NewStack(t testing.TB, parameters map[string]string) *Stack {
	t.Helper()
	text, err := os.ReadFile(cloudtest.Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{t: t, parameters: parameters, made: make(map[string]string)}
	// The decoder ignores the properties of other resources, whatever their type.
	if err := yaml.Unmarshal(text, &s.template); err != nil {
		t.Fatalf("read template.yaml: %v", err)
	}
	return s
}

// NewNames returns a stack of names without resources, for tests that make no AWS
// call.
func NewNames(t testing.TB) *Stack {
	s := NewStack(t, nil)
	for name := range s.template.Resources {
		s.made[name] = "https://names.test/" + name
	}
	return s
}

// Ref returns the value of !Ref name: the value of a parameter, the name of a table or
// the URL of a queue.
func (s *Stack) Ref(name string) string {
	s.t.Helper()
	if value, given := s.parameters[name]; given {
		return value
	}
	if parameter, is := s.template.Parameters[name]; is {
		return parameter.Default
	}
	if _, is := s.made[name]; !is {
		switch kind := s.template.Resources[name].Type; kind {
		case "AWS::DynamoDB::Table":
			s.made[name] = cloudtest.Table(s.t, name)
		case "AWS::SQS::Queue":
			s.made[name] = cloudtest.Queue(s.t)
		default:
			s.t.Fatalf("a test stack cannot create %s, a %q", name, kind)
		}
	}
	return s.made[name]
}

// Variables returns the environment variables of a function: own, those of the
// template that own does not have, and those that Lambda sets for the SDK.
func (s *Stack) Variables(function string, own map[string]string) map[string]string {
	s.t.Helper()
	getenv := cloudtest.Getenv(s.t, nil)
	variables := make(map[string]string)
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		variables[name] = getenv(name)
	}
	for _, defined := range []map[string]yaml.Node{
		s.template.Globals.Function.Environment.Variables,
		s.template.Resources[function].Properties.Environment.Variables,
	} {
		for name, node := range defined {
			if _, given := own[name]; !given {
				variables[name] = s.value(&node)
			}
		}
	}
	maps.Copy(variables, own)
	return variables
}

// value returns the value of node. It takes the last branch of an !If: the template's
// conditions are for options, which a test sets with own.
func (s *Stack) value(node *yaml.Node) string {
	s.t.Helper()
	switch {
	case node.Kind == yaml.AliasNode:
		return s.value(node.Alias)
	case node.Tag == "!Ref":
		return s.Ref(node.Value)
	case node.Tag == "!GetAtt" && strings.HasSuffix(node.Value, "Queue.Arn"):
		return s.QueueARN(strings.TrimSuffix(node.Value, ".Arn"))
	case node.Tag == "!Sub":
		// A stack name of usual length: every line of metrics holds it.
		return strings.ReplaceAll(node.Value, "${AWS::StackName}", "webhooks")
	case node.Tag == "!If":
		return s.value(node.Content[len(node.Content)-1])
	case node.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!int", "!!bool"}, node.Tag):
		return node.Value
	}
	s.t.Fatalf("template.yaml:%d: a test stack does not support %s", node.Line, node.Tag)
	return ""
}

// QueueARN returns the ARN of the queue with a logical id.
func (s *Stack) QueueARN(name string) string {
	s.t.Helper()
	url := s.Ref(name)
	return "arn:aws:sqs:us-east-1:000000000000:" + url[strings.LastIndex(url, "/")+1:]
}

// Memory returns the memory of a function in MB. It also determines the share of a
// CPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
func (s *Stack) Memory(function string) int {
	s.t.Helper()
	size := s.template.Resources[function].Properties.MemorySize
	if size == 0 {
		size = s.template.Globals.Function.MemorySize
	}
	if size == 0 {
		s.t.Fatalf("template.yaml has no MemorySize for %s", function)
	}
	return size
}

// LogicalID returns the logical id of the table or queue of this test whose name or
// URL is physical.
func (s *Stack) LogicalID(physical string) string {
	s.t.Helper()
	for name, made := range s.made {
		if made == physical {
			return name
		}
	}
	s.t.Errorf("this test has no table or queue %s", physical)
	return ""
}
