package architecture_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// policyRules are about resource policies and IAM policies. `make lint` also gives every
// policy to parliament, which knows the actions, resources and conditions of each service.
func policyRules() []rule {
	return []rule{
		{
			says:   "a statement of a queue's policy has one resource",
			source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-creating-custom-policies.html",
			check: ofQueuePolicies(func(_ resource, s map[string]any) string {
				if n := len(items(s["Resource"])); n != 1 {
					return fmt.Sprintf("a statement has %d resources", n)
				}
				return ""
			}),
			broken: `
P:
  Type: AWS::SQS::QueuePolicy
  Properties: {Queues: [!Ref A, !Ref B], PolicyDocument: {Statement: [{Effect: Deny, Action: "sqs:*", Resource: [!GetAtt A.Arn, !GetAtt B.Arn]}]}}`,
		},
		{
			says:   "a statement of a queue's policy names a queue that has the policy",
			source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-creating-custom-policies.html",
			check: ofQueuePolicies(func(policy resource, s map[string]any) string {
				queues := references(policy.properties["Queues"])
				for _, r := range references(s["Resource"]) {
					if len(queues) != 1 || queues[0].name != r.name {
						return fmt.Sprintf("a statement names %s, but the policy is that of %v", r.name, queues)
					}
				}
				return ""
			}),
			broken: `
P:
  Type: AWS::SQS::QueuePolicy
  Properties: {Queues: [!Ref A, !Ref B], PolicyDocument: {Statement: [{Effect: Deny, Action: "sqs:*", Resource: !GetAtt A.Arn}]}}`,
		},
		{
			says:   "a queue has one policy: the second replaces the first",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html",
			check:  queuesWithSeveralPolicies,
			broken: `
P: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref A], PolicyDocument: {}}}
Q: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref B, !Ref A], PolicyDocument: {}}}`,
		},
		{
			says:   "a queue's policy has at most 20 statements, 7 actions in each, and 8,192 bytes",
			source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html",
			check:  wideQueuePolicies,
			broken: `
P:
  Type: AWS::SQS::QueuePolicy
  Properties: {Queues: [!Ref A], PolicyDocument: {Statement: [{Effect: Allow, Resource: "*", Action: [1, 2, 3, 4, 5, 6, 7, 8]}]}}`,
		},
		{
			says:   "the principals of a resource policy exist when it is written: no role of the same stack, which the service may not see yet, and which a restored key would name in vain",
			source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
			check:  principalsOfTheStack,
			broken: `
K:
  Type: AWS::KMS::Key
  Properties: {KeyPolicy: {Statement: [{Effect: Allow, Principal: {AWS: [!GetAtt Role.Arn]}, Action: "kms:Decrypt", Resource: "*"}]}}`,
		},
		{
			says:   "a key's policy lets the account change the policy, without a condition",
			source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
			check:  keysThatNobodyAdministers,
			broken: `
K:
  Type: AWS::KMS::Key
  Properties: {KeyPolicy: {Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::123456789012:root"}, Action: "kms:PutKeyPolicy", Resource: "*", Condition: {}}]}}`,
		},
		{
			says:   "the policies of a role have at most 10,240 bytes, a managed policy 6,144, a key's policy 32,768",
			source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
			check:  longPolicies,
			broken: "\nR: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Statement: [{Sid: " + strings.Repeat("x", 6200) + "}]}}}",
		},
		{
			says:   "a policy has a version, and the Sid of a statement is unique and has letters and digits only",
			source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html",
			check:  badSids,
			broken: `
R: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Sid: one}, {Effect: Allow, Sid: one}]}}}`,
		},
		{
			says:   "CAPABILITY_IAM, which samconfig.toml gives, allows no IAM resource with a name of its own",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html",
			check: each("", func(r resource) string {
				for _, name := range []string{"RoleName", "ManagedPolicyName", "UserName", "GroupName", "InstanceProfileName"} {
					if strings.HasPrefix(r.kind, "AWS::IAM::") && r.properties[name] != nil {
						return "has a " + name
					}
				}
				return ""
			}),
			broken: "R: {Type: AWS::IAM::Role, Properties: {RoleName: webhooks}}",
		},
	}
}

// each returns a check of every resource of a type, or of all for "".
func each(kind string, broken func(resource) string) func(deployment) []string {
	return func(d deployment) []string {
		var found []string
		for _, r := range d.of(kind) {
			if what := broken(r); what != "" {
				found = append(found, r.name+" "+what)
			}
		}
		return found
	}
}

// ofQueuePolicies returns a check of every statement of every queue policy.
func ofQueuePolicies(broken func(policy resource, statement map[string]any) string) func(deployment) []string {
	return each("AWS::SQS::QueuePolicy", func(policy resource) string {
		for _, s := range statements(policy.properties["PolicyDocument"]) {
			if what := broken(policy, s); what != "" {
				return what
			}
		}
		return ""
	})
}

func queuesWithSeveralPolicies(d deployment) []string {
	var found []string
	policies := make(map[string]string)
	for _, policy := range d.of("AWS::SQS::QueuePolicy") {
		for _, queue := range references(policy.properties["Queues"]) {
			if other, has := policies[queue.name]; has {
				found = append(found, fmt.Sprintf("%s has the policies %s and %s", queue.name, other, policy.name))
			}
			policies[queue.name] = policy.name
		}
	}
	return found
}

func wideQueuePolicies(d deployment) []string {
	return each("AWS::SQS::QueuePolicy", func(policy resource) string {
		document := policy.properties["PolicyDocument"]
		all := statements(document)
		for _, s := range all {
			if n := len(items(s["Action"])); n > 7 {
				return fmt.Sprintf("has a statement with %d actions", n)
			}
		}
		if size := longestJSON(d, document); len(all) > 20 || size > 8192 {
			return fmt.Sprintf("has %d statements and %d bytes", len(all), size)
		}
		return ""
	})(d)
}

func principalsOfTheStack(d deployment) []string {
	var found []string
	for _, r := range d.of("") {
		for _, document := range []string{"KeyPolicy", "PolicyDocument", "ResourcePolicy", "Policy"} {
			for _, s := range statements(r.properties[document]) {
				for _, name := range references(s["Principal"]) {
					found = append(found, fmt.Sprintf("the policy of %s has the principal %s", r.name, name.name))
				}
			}
		}
	}
	return found
}

func keysThatNobodyAdministers(d deployment) []string {
	return each("AWS::KMS::Key", func(key resource) string {
		for _, s := range statements(key.properties["KeyPolicy"]) {
			account := strings.HasSuffix(word(s, "Principal", "AWS"), ":root")
			if account && s["Effect"] == "Allow" && s["Condition"] == nil && (slices.Contains(listOf(s["Action"]), "kms:PutKeyPolicy") || text(s, "Action") == "kms:*") {
				return ""
			}
		}
		return "lets nobody change its policy"
	})(d)
}

func longPolicies(d deployment) []string {
	sizes, limits := make(map[string]int), map[string]int{"AWS::IAM::Role": 10_240, "AWS::IAM::ManagedPolicy": 6144, "AWS::KMS::Key": 32_768}
	var found []string
	for _, policy := range d.of("AWS::IAM::Policy") {
		for _, role := range references(policy.properties["Roles"]) {
			sizes[role.name] += longestJSON(d, policy.properties["PolicyDocument"])
		}
	}
	for _, r := range d.of("") {
		for _, s := range []any{r.properties["Policies"], r.properties["PolicyDocument"], r.properties["KeyPolicy"]} {
			if s != nil {
				sizes[r.name] += longestJSON(d, s)
			}
		}
		if limit, limited := limits[r.kind]; limited && sizes[r.name] > limit {
			found = append(found, fmt.Sprintf("the policies of %s have %d bytes", r.name, sizes[r.name]))
		}
	}
	return found
}

func badSids(d deployment) []string {
	valid := regexp.MustCompile(`^[A-Za-z0-9]*$`)
	return each("", func(r resource) string {
		for name, document := range documents(r.properties) {
			if word(document, "Version") != "2012-10-17" {
				return name + " has no version"
			}
			seen := make(map[string]bool)
			for _, s := range statements(document) {
				if sid := word(s, "Sid"); !valid.MatchString(sid) || seen[sid] && sid != "" {
					return fmt.Sprintf("%s has the Sid %q", name, sid)
				}
				seen[word(s, "Sid")] = true
			}
		}
		return ""
	})(d)
}

// documents returns every policy document of a resource by the path of its property.
func documents(value any) map[string]map[string]any {
	found := make(map[string]map[string]any)
	for key, member := range asMap(value) {
		if m := asMap(member); m["Statement"] != nil {
			found[key] = m
			continue
		}
		for name, document := range documents(member) {
			found[key+"."+name] = document
		}
	}
	if list, is := value.([]any); is {
		for i, item := range list {
			for name, document := range documents(item) {
				found[fmt.Sprintf("%d.%s", i, name)] = document
			}
		}
	}
	return found
}
