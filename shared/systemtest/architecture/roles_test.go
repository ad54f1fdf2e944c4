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

// statements returns all statements of a policy, including those inside !If.
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

// grants returns the actions that the role of each function allows, by folder and
// resource, except those for the log group.
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
				// Other names come from !If: a condition, or a parameter instead of a
				// resource.
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
		delete(of, "AuthorizerLogGroup")
		all[f.folder] = of
	}
	return all
}

// listOf returns a list whether the template has one string or several.
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

// resourcesIn returns the logical names of a statement's resources, each with the
// suffix that follows the ARN in a !Sub.
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

// conditionOf describes a statement's condition, except that on the encryption context,
// which TestKeysServeWebhookSecretsOnly checks.
func conditionOf(statement map[string]any) string {
	var values []string
	for _, tests := range asMap(statement["Condition"]) {
		for key, value := range asMap(tests) {
			if strings.HasPrefix(key, "kms:EncryptionContext:") {
				continue
			}
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

// asMap returns a map, or nil for other values.
func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// TestEveryFunctionHasItsOwnRole checks that no role is shared, managed or unused.
func TestEveryFunctionHasItsOwnRole(t *testing.T) {
	t.Parallel()
	roles := make(map[string]resource)
	for _, role := range resources(t, "AWS::IAM::Role") {
		roles[role.name] = role
		if role.properties["ManagedPolicyArns"] != nil {
			t.Errorf("%s has managed policies, whose permissions someone else decides", role.name)
		}
		for _, s := range statements(role.properties["AssumeRolePolicyDocument"]) {
			if service := text(s, "Principal", "Service"); service != "lambda.amazonaws.com" {
				t.Errorf("%s can be assumed by %q, want Lambda only", role.name, service)
			}
		}
	}
	for _, f := range functions(t) {
		want := f.name + "Role"
		if got := text(f.properties, "Role"); got != want {
			t.Errorf("%s has the role %q, want %s: a role made by SAM can write to every log group of the account, and a shared role grants too much", f.name, got, want)
		}
		if f.properties["Policies"] != nil {
			t.Errorf("%s has Policies, which SAM ignores if there is a Role", f.name)
		}
		if _, exists := roles[want]; !exists {
			t.Errorf("the template has no %s", want)
		}
		delete(roles, want)
	}
	for name := range roles {
		t.Errorf("no function has the role %s", name)
	}
}

// TestWildcardsHaveTheirReasons: a comment explains each "*" in a policy.
func TestWildcardsHaveTheirReasons(t *testing.T) {
	t.Parallel()
	wildcard := regexp.MustCompile(`^\s*-?\s*(Action|Resource|NotAction|Principal)?:?.*["' :\[]([a-z]+:)?\*["'\],]?\s*(#.*)?$|Not(Action|Resource|Principal):`)
	before := ""
	for i, line := range strings.Split(read(t, "template.yaml"), "\n") {
		isDenial := strings.Contains(line, "Principal")
		if wildcard.MatchString(line) && !isDenial && !strings.Contains(line, "#") && !strings.Contains(before, "#") {
			t.Errorf("template.yaml:%d: a wildcard without a comment: %s", i+1, strings.TrimSpace(line))
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

// TestQueuesRequireTLS checks that every queue policy denies plain http, and allows
// nobody outside the account except the rule of the bus.
func TestQueuesRequireTLS(t *testing.T) {
	t.Parallel()
	guarded := make(map[string]bool)
	for _, policy := range resources(t, "AWS::SQS::QueuePolicy") {
		for _, s := range statements(policy.properties["PolicyDocument"]) {
			switch {
			case s["Effect"] == "Deny" && text(s, "Condition", "Bool", "aws:SecureTransport") == "false" && text(s, "Action") == "sqs:*" && text(s, "Resource") == "*":
				for _, name := range resourcesIn(policy.properties["Queues"]) {
					guarded[name] = true
				}
			case s["Effect"] == "Allow" && text(s, "Principal", "Service") == "events.amazonaws.com" && text(s, "Condition", "ArnEquals", "aws:SourceArn") == "EventsRule":
			default:
				t.Errorf("%s allows more than the rule of the bus: %v", policy.name, s)
			}
		}
	}
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		if !guarded[queue.name] {
			t.Errorf("%s accepts requests without TLS", queue.name)
		}
	}
}

// TestKeysServeWebhookSecretsOnly checks that every statement that lets a role use a KMS
// key demands the encryption context of package vault: a key of the operator's own may
// encrypt other data too.
func TestKeysServeWebhookSecretsOnly(t *testing.T) {
	t.Parallel()
	found := 0
	for _, r := range resources(t, "") {
		for _, s := range statements(r.properties) {
			actions := listOf(s["Action"])
			if !slices.Contains(actions, "kms:Decrypt") && !slices.Contains(actions, "kms:GenerateDataKey") {
				continue
			}
			found++
			purpose := text(s, "Condition", "StringEquals", "kms:EncryptionContext:purpose")
			tenant := text(s, "Condition", "StringLike", "kms:EncryptionContext:tenant_id")
			if purpose != "webhook-secrets" || tenant != "?*" {
				t.Errorf("%s allows %v with the encryption context purpose=%q and tenant_id=%q, want webhook-secrets and ?*", r.name, actions, purpose, tenant)
			}
		}
	}
	if found < 4 {
		t.Errorf("%d statements use KMS, want two of the key's policy and two of the roles", found)
	}
	if code := read(t, "shared/webhook/vault/vault.go"); !strings.Contains(code, `map[string]string{"purpose": "webhook-secrets", "tenant_id": tenantID}`) {
		t.Error("package vault sends another encryption context than the policies demand: every call would be refused")
	}
}

// TestProducersMayLookTheirQueueUp: most clients of SQS ask for the URL or the attributes
// of a queue before they send. Producers may do nothing else.
func TestProducersMayLookTheirQueueUp(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"EventsQueue": {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"},
		"EventBus":    {"events:PutEvents"},
	}
	got := make(map[string][]string)
	for _, policy := range resources(t, "AWS::IAM::ManagedPolicy") {
		for _, s := range statements(policy.properties["PolicyDocument"]) {
			for _, name := range resourcesIn(s["Resource"]) {
				got[name] = append(got[name], listOf(s["Action"])...)
				slices.Sort(got[name])
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the policy of producers (-want +template):\n%s", diff)
	}
}
