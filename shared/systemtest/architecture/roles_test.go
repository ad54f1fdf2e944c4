package architecture_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// statements returns the statements of a policy, wherever they stand in it:
// also those that a condition of the template decides about.
func statements(policy any) []map[string]any {
	var list []map[string]any
	switch v := policy.(type) {
	case map[string]any:
		if v["Effect"] != nil {
			return []map[string]any{v}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			list = append(list, statements(v[name])...)
		}
	case []any:
		for _, item := range v {
			list = append(list, statements(item)...)
		}
	}
	return list
}

// grants returns what the role of each function allows: by function, then by
// resource, the actions. What Lambda needs for the log is left out.
func grants(t testing.TB) map[string]map[string][]string {
	t.Helper()
	roles := make(map[string]resource)
	for _, role := range resources(t, "AWS::IAM::Role") {
		roles[role.name] = role
	}
	known := make(map[string]bool)
	for _, r := range resources(t, "") {
		known[r.name] = true
	}
	all := make(map[string]map[string][]string)
	for _, f := range functions(t) {
		of := make(map[string][]string)
		policies := []any{roles[f.name+"Role"].properties["Policies"]}
		for _, policy := range resources(t, "AWS::IAM::Policy") {
			if slices.Contains(resourcesIn(policy.properties["Roles"]), f.name+"Role") {
				policies = append(policies, policy.properties["PolicyDocument"])
			}
		}
		for _, s := range statements(policies) {
			for _, name := range resourcesIn(s["Resource"]) {
				// The rest is of an !If: its condition, or a parameter in the place of
				// a resource.
				if base, _, _ := strings.Cut(name, "/"); !known[base] {
					continue
				}
				for _, action := range listOf(s["Action"]) {
					_, short, _ := strings.Cut(action, ":")
					of[name] = append(of[name], short+conditionOf(s))
				}
				slices.Sort(of[name])
			}
		}
		delete(of, "LogGroup")
		all[f.folder] = of
	}
	return all
}

func listOf(value any) []string {
	if one, is := value.(string); is {
		return []string{one}
	}
	items, _ := value.([]any)
	list := make([]string, 0, len(items))
	for _, item := range items {
		list = append(list, fmt.Sprint(item))
	}
	return list
}

// resourcesIn returns what a statement is about: the logical name, and what
// follows the ARN in a !Sub.
func resourcesIn(value any) []string {
	if items, is := value.([]any); is {
		var list []string
		for _, item := range items {
			list = append(list, resourcesIn(item)...)
		}
		return list
	}
	if pattern := text(value, "Fn::Sub"); pattern != "" {
		return []string{regexp.MustCompile(`\$\{(\w+)\.Arn\}`).ReplaceAllString(pattern, "$1")}
	}
	return []string{text(value)}
}

// conditionOf shows the values of a statement's condition.
func conditionOf(statement map[string]any) string {
	var values []string
	for _, tests := range asMap(statement["Condition"]) {
		for key, value := range asMap(tests) {
			_, short, _ := strings.Cut(key, ":")
			values = append(values, fmt.Sprintf("%s `%v`", short, value))
		}
	}
	if len(values) == 0 {
		return ""
	}
	slices.Sort(values)
	return " (" + strings.Join(values, ", ") + ")"
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func TestEveryFunctionHasARoleOfItsOwn(t *testing.T) {
	t.Parallel()
	roles := make(map[string]resource)
	for _, role := range resources(t, "AWS::IAM::Role") {
		roles[role.name] = role
		if role.properties["ManagedPolicyArns"] != nil {
			t.Errorf("%s has managed policies: somebody else decides what they grant", role.name)
		}
		for _, s := range statements(role.properties["AssumeRolePolicyDocument"]) {
			if service := text(s, "Principal", "Service"); service != "lambda.amazonaws.com" {
				t.Errorf("%s may be assumed by %q, want Lambda alone", role.name, service)
			}
		}
	}
	for _, f := range functions(t) {
		want := f.name + "Role"
		if got := text(f.properties, "Role"); got != want {
			t.Errorf("%s has the role %q, want %s: SAM's own may write every log group of the account, and a shared one grants each what only the other needs", f.name, got, want)
		}
		if f.properties["Policies"] != nil {
			t.Errorf("%s has Policies, which SAM ignores beside a Role", f.name)
		}
		if _, exists := roles[want]; !exists {
			t.Errorf("the template has no %s", want)
		}
		delete(roles, want)
	}
	for name := range roles {
		t.Errorf("%s is the role of no function", name)
	}
}

// TestWildcardsHaveTheirReasons: whoever reads "*" in a policy wants to know why.
func TestWildcardsHaveTheirReasons(t *testing.T) {
	t.Parallel()
	wildcard := regexp.MustCompile(`^\s*-?\s*(Action|Resource|NotAction|Principal)?:?.*["' :\[]([a-z]+:)?\*["'\],]?\s*(#.*)?$|Not(Action|Resource|Principal):`)
	before := ""
	for i, line := range strings.Split(read(t, "template.yaml"), "\n") {
		isDenial := strings.Contains(line, "Principal")
		if wildcard.MatchString(line) && !isDenial && !strings.Contains(line, "#") && !strings.Contains(before, "#") {
			t.Errorf("template.yaml:%d: a wildcard without a comment that gives its reason: %s", i+1, strings.TrimSpace(line))
		}
		before = line
	}
}

// TestTheRoleTableIsTheTemplates compares the table of the page with the template.
func TestTheRoleTableIsTheTemplates(t *testing.T) {
	t.Parallel()
	var want []string
	all := grants(t)
	for _, folder := range slices.Sorted(maps.Keys(all)) {
		var cells []string
		for _, name := range slices.Sorted(maps.Keys(all[folder])) {
			cells = append(cells, "`"+name+"`: "+strings.Join(all[folder][name], ", "))
		}
		if len(cells) == 0 {
			cells = []string{"nothing"}
		}
		want = append(want, "| `"+folder+"` | "+strings.Join(cells, "; ")+" |")
	}
	rows := chapter(t, security, "## Permissions")
	got := regexp.MustCompile("(?m)^\\| `[^|]*\\|[^|]*\\|$").FindAllString(rows, -1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of %s is not what the template grants (-template +page):\n%s\nThe rows are:\n%s", security, diff, strings.Join(want, "\n"))
	}
}

// TestQueuesTakeTLSAlone: every queue refuses what comes over plain http, and
// only the bus's rule is let in beside the account's own principals.
func TestQueuesTakeTLSAlone(t *testing.T) {
	t.Parallel()
	guarded := make(map[string]bool)
	for _, policy := range resources(t, "AWS::SQS::QueuePolicy") {
		for _, s := range statements(policy.properties["PolicyDocument"]) {
			switch {
			case s["Effect"] == "Deny" && text(s, "Condition", "Bool", "aws:SecureTransport") == "false" && text(s, "Action") == "sqs:*":
				for _, name := range resourcesIn(s["Resource"]) {
					guarded[name] = true
				}
			case s["Effect"] == "Allow" && text(s, "Principal", "Service") == "events.amazonaws.com" && text(s, "Condition", "ArnEquals", "aws:SourceArn") == "EventsRule":
			default:
				t.Errorf("%s lets in more than the bus's rule: %v", policy.name, s)
			}
		}
		for _, name := range resourcesIn(policy.properties["Queues"]) {
			if !guarded[name] {
				t.Errorf("%s is set on %s and its denial does not name it", policy.name, name)
			}
		}
	}
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		if !guarded[queue.name] {
			t.Errorf("%s can be reached without TLS", queue.name)
		}
	}
}
