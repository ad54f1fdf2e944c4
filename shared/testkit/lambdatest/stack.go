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

// Stack stands for the template's resources in one test: empty tables and queues
// of its own that no deployed function reads, made when they are first asked for.
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

// NewStack returns a stack whose parameters have their defaults but for
// parameters.
func NewStack(t testing.TB, parameters map[string]string) *Stack {
	t.Helper()
	text, err := os.ReadFile(cloudtest.Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{t: t, parameters: parameters, made: make(map[string]string)}
	// The decoder takes a resource's other properties, of whatever shape, for what
	// nobody asked for.
	if err := yaml.Unmarshal(text, &s.template); err != nil {
		t.Fatalf("read template.yaml: %v", err)
	}
	return s
}

// NewNames returns a stack whose tables, queues and keys are only names, for
// tests that call nothing.
func NewNames(t testing.TB) *Stack {
	s := NewStack(t, nil)
	for name := range s.template.Resources {
		s.made[name] = "https://names.test/" + name
	}
	return s
}

// Ref returns what !Ref name is: a parameter's value, a table's name, a queue's
// URL.
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
			s.t.Fatalf("a test stack cannot make %s, a %q", name, kind)
		}
	}
	return s.made[name]
}

// Variables returns the environment variables of a function, as the template
// defines them but for own, which are taken as they are; and where and who it is
// on the local cloud.
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

// value returns what node stands for. Of an !If it takes the last branch: the
// template's conditions are about options that a test turns on with own.
func (s *Stack) value(node *yaml.Node) string {
	s.t.Helper()
	switch {
	case node.Kind == yaml.AliasNode:
		return s.value(node.Alias)
	case node.Tag == "!Ref":
		return s.Ref(node.Value)
	case node.Tag == "!GetAtt" && strings.HasSuffix(node.Value, "Queue.Arn"):
		url := s.Ref(strings.TrimSuffix(node.Value, ".Arn"))
		return "arn:aws:sqs:us-east-1:000000000000:" + url[strings.LastIndex(url, "/")+1:]
	case node.Tag == "!Sub":
		// The length of a name counts: it is in every line of metrics.
		return strings.ReplaceAll(node.Value, "${AWS::StackName}", "webhooks")
	case node.Tag == "!If":
		return s.value(node.Content[len(node.Content)-1])
	case node.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!int", "!!bool"}, node.Tag):
		return node.Value
	}
	s.t.Fatalf("template.yaml:%d: a test stack does not know %s", node.Line, node.Tag)
	return ""
}

// Memory returns the size of a function's memory in MB, which also is its share
// of a processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
func (s *Stack) Memory(function string) int {
	s.t.Helper()
	size := s.template.Resources[function].Properties.MemorySize
	if size == 0 {
		size = s.template.Globals.Function.MemorySize
	}
	if size == 0 {
		s.t.Fatalf("template.yaml gives %s no memory", function)
	}
	return size
}

// LogicalID returns what the template calls the table or queue whose name or
// URL, seen in a request, is physical.
func (s *Stack) LogicalID(physical string) string {
	s.t.Helper()
	for name, made := range s.made {
		if made == physical {
			return name
		}
	}
	s.t.Errorf("%s is no table or queue of this test", physical)
	return ""
}
