package architecture_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"webhooks/shared/testkit/cloudtest"
)

// rule is something that AWS refuses and the local cloud takes.
type rule struct {
	says   string // as a sentence
	source string // where AWS says it
	// check returns one sentence for each place of a template that breaks the rule.
	check func(deployment) []string
	// broken are the resources of a template that breaks the rule, in YAML, or the whole
	// template if it has a section.
	broken string
}

// example returns the template that breaks the rule.
func (r rule) example(t testing.TB) deployment {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(r.broken), &node); err != nil || len(node.Content) == 0 {
		t.Fatalf("%s: the example: %v", r.says, err)
	}
	root := asMap(plain(node.Content[0]))
	for _, section := range []string{"Resources", "Rules", "Outputs", "Conditions"} {
		if root[section] != nil {
			return root
		}
	}
	return deployment{"Resources": root}
}

// rules returns all rules. A new rule is a new entry in one of these lists.
func rules() []rule {
	return slices.Concat(policyRules(), retentionRules(), environmentRules(), queueRules(), alarmRules(), logRules(), nameRules(), apiRules(), formRules())
}

// deployment is the template of one deployment, processed by SAM, with the conditions
// and parameters applied. References to resources are left: {"Ref": "Name"},
// {"Fn::GetAtt": ["Name", "Arn"]} and {"Fn::Sub": "…${Name}…"}.
type deployment map[string]any

// of returns the resources of a type in the order of their names, or all for "".
func (d deployment) of(kind string) []resource {
	all := asMap(d["Resources"])
	var list []resource
	for _, name := range slices.Sorted(maps.Keys(all)) {
		body := asMap(all[name])
		if r := (resource{name: name, kind: text(body, "Type"), body: body, properties: asMap(body["Properties"])}); kind == "" || r.kind == kind {
			list = append(list, r)
		}
	}
	return list
}

// TestNothingAWSRefuses checks the template in every kind of deployment against every
// rule: the environments of samconfig.toml, with all options and with none, a gradual
// deployment, and the longest stack name and parameters.
func TestNothingAWSRefuses(t *testing.T) {
	t.Parallel()
	variants := deployments(t)
	for name := range maps.Keys(variants) {
		for _, r := range rules() {
			for _, found := range r.check(variants[name]) {
				t.Errorf("deployment %q: %s. AWS refuses it: %s (%s)", name, found, r.says, r.source)
			}
		}
	}
}

// TestEveryRuleFindsWhatAWSRefuses gives each rule a template that breaks it. The types of
// its resources must be some that the template has: otherwise the rule checks nothing.
func TestEveryRuleFindsWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	kinds := make(map[string]bool)
	for _, d := range deployments(t) {
		for _, r := range d.of("") {
			kinds[r.kind] = true
		}
	}
	for _, r := range rules() {
		broken := r.example(t)
		if len(r.check(broken)) == 0 {
			t.Errorf("the rule %q accepts a template that breaks it:\n%s", r.says, r.broken)
		}
		for _, example := range broken.of("") {
			if !kinds[example.kind] {
				t.Errorf("the rule %q has an example of the type %s, which no deployment has", r.says, example.kind)
			}
		}
		if !strings.HasPrefix(r.source, "https://docs.aws.amazon.com/") {
			t.Errorf("the rule %q has the source %q, want a page of AWS", r.says, r.source)
		}
	}
}

// process runs the tools' command that processes the template.
var process = sync.OnceValues(func() ([]byte, error) {
	command := exec.Command("python3", ".tools", "variants")
	var failure bytes.Buffer
	command.Dir, command.Stderr = cloudtest.Path(), &failure
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("python3 .tools variants: %w\n%s", err, &failure)
	}
	return output, nil
})

// deployments returns the template of every kind of deployment by its name.
func deployments(t testing.TB) map[string]deployment {
	t.Helper()
	output, err := process()
	if err != nil {
		t.Fatal(err)
	}
	var variants map[string]deployment
	decoder := json.NewDecoder(bytes.NewReader(output))
	decoder.UseNumber()
	if err := decoder.Decode(&variants); err != nil {
		t.Fatalf("python3 .tools variants: %v", err)
	}
	if len(variants) < 5 {
		t.Fatalf("python3 .tools variants printed %d deployments, want at least 5", len(variants))
	}
	return variants
}
