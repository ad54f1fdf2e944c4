package e2e_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// platformsOwn returns the actions that AWS itself performs with the role of a
// function. The function never calls them.
func platformsOwn() map[string]string {
	return map[string]string{
		"logs:CreateLogStream":   "Lambda creates a log stream for each instance of the function",
		"logs:PutLogEvents":      "Lambda writes the log lines of the function",
		"sqs:ReceiveMessage":     "the queue mapping reads the messages (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)",
		"sqs:DeleteMessage":      "the queue mapping deletes the messages that are settled",
		"sqs:GetQueueAttributes": "the queue mapping reads the number of messages",
	}
}

// grant is one action on one resource, which a role allows or a function used.
type grant struct {
	Role     string `json:"role"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// rolesGrantOnlyWhatIsUsed compares the deployed roles with the calls of this run. A
// missing permission already fails the run, because the local cloud enforces IAM.
func rolesGrantOnlyWhatIsUsed(t *testing.T) {
	used := usedGrants(t)
	if len(used) == 0 {
		t.Fatal("no call of any function's role was recorded: see record_calls in .tools/cloud/launcher.py")
	}
	roles := rolesOfFunctions(t)
	platform := platformsOwn()
	for _, g := range grantsOf(t, roles) {
		name := roles[g.Role]
		if strings.Contains(g.Action, "*") {
			t.Errorf("%s grants %s, want each action by name", name, g.Action)
		}
		// The ARN of a log group ends in :* for its streams.
		if strings.Contains(strings.TrimSuffix(g.Resource, ":*"), "*") {
			t.Errorf("%s grants %s on %s, want each resource by name", name, g.Action, g.Resource)
		}
		if _, is := platform[g.Action]; !is && !used[g] {
			t.Errorf("%s grants %s on %s, which this run did not use: remove the permission, or call it in a test", name, g.Action, g.Resource)
		}
	}
}

// usedGrants reads the calls that the local cloud recorded.
func usedGrants(t testing.TB) map[grant]bool {
	t.Helper()
	text, err := os.ReadFile(deployed(t).CallsFile)
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[grant]bool)
	for line := range strings.Lines(string(text)) {
		var g grant
		if err := json.Unmarshal([]byte(line), &g); err != nil {
			t.Fatalf("a recorded call: %v: %s", err, line)
		}
		used[g] = true
	}
	return used
}

// rolesOfFunctions returns the logical ids of the functions' roles by their physical
// names.
func rolesOfFunctions(t testing.TB) map[string]string {
	t.Helper()
	var found struct {
		Resources []struct {
			LogicalID  string `xml:"LogicalResourceId"`
			PhysicalID string `xml:"PhysicalResourceId"`
			Type       string `xml:"ResourceType"`
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	query(t, "cloudformation", "2010-05-15", &found, "DescribeStackResources", "StackName", deployed(t).StackName)
	roles, functions := make(map[string]string), 0
	for _, r := range found.Resources {
		switch r.Type {
		case "AWS::IAM::Role":
			roles[r.PhysicalID] = r.LogicalID
		case "AWS::Lambda::Function":
			functions++
		}
	}
	if len(roles) != functions || functions == 0 {
		t.Fatalf("the stack has %d roles and %d functions, want one role for each", len(roles), functions)
	}
	return roles
}

// grantsOf reads every grant of roles. Managed policies fail the test.
func grantsOf(t testing.TB, roles map[string]string) []grant {
	t.Helper()
	var grants []grant
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		var attached, inline struct {
			Names []string `xml:"ListRolePoliciesResult>PolicyNames>member"`
			ARNs  []string `xml:"ListAttachedRolePoliciesResult>AttachedPolicies>member>PolicyArn"`
		}
		query(t, "iam", "2010-05-08", &attached, "ListAttachedRolePolicies", "RoleName", role)
		if len(attached.ARNs) > 0 {
			t.Errorf("%s has the managed policies %v, want only inline policies", roles[role], attached.ARNs)
		}
		query(t, "iam", "2010-05-08", &inline, "ListRolePolicies", "RoleName", role)
		for _, name := range inline.Names {
			var policy struct {
				Document string `xml:"GetRolePolicyResult>PolicyDocument"`
			}
			query(t, "iam", "2010-05-08", &policy, "GetRolePolicy", "RoleName", role, "PolicyName", name)
			grants = append(grants, grantsIn(t, role, policy.Document)...)
		}
	}
	return grants
}

// grantsIn reads the grants of a policy document.
func grantsIn(t testing.TB, role, document string) []grant {
	t.Helper()
	if plain, err := url.QueryUnescape(document); err == nil {
		document = plain
	}
	var policy struct {
		Statement []struct {
			Effect           string
			Action, Resource oneOrMore
		}
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		t.Fatalf("a policy of %s: %v: %s", role, err, document)
	}
	var grants []grant
	for _, statement := range policy.Statement {
		if statement.Effect != "Allow" {
			continue
		}
		if len(statement.Action) == 0 || len(statement.Resource) == 0 {
			t.Errorf("a statement of %s does not name its actions and resources: %s", role, document)
		}
		for _, action := range statement.Action {
			for _, resource := range statement.Resource {
				grants = append(grants, grant{role, action, resource})
			}
		}
	}
	return grants
}

// oneOrMore is a string or an array of strings.
type oneOrMore []string

func (list *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*list = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(list))
}
