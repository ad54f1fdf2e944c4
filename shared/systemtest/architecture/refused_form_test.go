package architecture_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// nameRules are about names that collide or are too long. The deployment "longest" has a
// stack name of 128 characters, the greatest length.
func nameRules() []rule {
	return []rule{
		{
			says:   "a name of its own contains the name of the stack, and that of a dashboard also the region, because dashboards are global: two stacks of an account would collide",
			source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html",
			check:  collidingNames,
			broken: "D: {Type: AWS::CloudWatch::Dashboard, Properties: {DashboardName: webhooks}}",
		},
		{
			says:   "a name has the characters and the length that its service accepts",
			source: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
			check:  badNames,
			broken: "B: {Type: AWS::Events::EventBus, Properties: {Name: webhooks events}}",
		},
	}
}

// ownNames are the properties by which a template names a resource in its account.
var ownNames = []string{
	"Name", "DashboardName", "TableName", "QueueName", "FunctionName", "LogGroupName", "AlarmName", "BucketName", "TopicName", "KeyName",
	"ApplicationName", "DeploymentGroupName", "AliasName",
}

// named returns the names that a resource gets from the template, by property. Names of
// what belongs to another resource, such as a metric filter or an alias, are not in it.
func named(r resource) map[string]string {
	owned := []string{"AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping", "AWS::Route53::RecordSet", "AWS::ApiGatewayV2::Stage"}
	found := make(map[string]string)
	for _, property := range ownNames {
		if name := word(r.properties, property); name != "" && !slices.Contains(owned, r.kind) {
			found[property] = name
		}
	}
	if title := word(r.properties, "Body", "info", "title"); title != "" {
		found["Body.info.title"] = title
	}
	return found
}

func collidingNames(d deployment) []string {
	found := each("", func(r resource) string {
		for property, name := range named(r) {
			stack := ofStack.MatchString(name)
			global := r.kind == "AWS::CloudWatch::Dashboard" || r.kind == "AWS::S3::Bucket" || strings.HasPrefix(r.kind, "AWS::IAM::")
			if !stack || global && !strings.Contains(name, "ap-southeast-1") {
				return fmt.Sprintf("has the %s %q", property, name)
			}
		}
		return ""
	})(d)
	for name, output := range asMap(d["Outputs"]) {
		if export := word(output, "Export", "Name"); export != "" && !ofStack.MatchString(export) {
			found = append(found, fmt.Sprintf("the output %s is exported as %q", name, export))
		}
	}
	return found
}

// ofStack finds the names of a stack in .tools/check/variants.py.
var ofStack = regexp.MustCompile(`^(webhooks|s{128})(\W|$)`)

func badNames(d deployment) []string {
	valid := map[string]*regexp.Regexp{
		"AWS::Events::EventBus":        regexp.MustCompile(`^[/.\-_A-Za-z0-9]{1,256}$`),
		"AWS::CloudWatch::Dashboard":   regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`),
		"AWS::Logs::QueryDefinition":   regexp.MustCompile(`^.{1,255}$`),
		"AWS::ApiGatewayV2::Api":       regexp.MustCompile(`^.{1,128}$`),
		"AWS::Lambda::Function":        regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`),
		"AWS::SQS::Queue":              regexp.MustCompile(`^[a-zA-Z0-9-_]{1,80}$`),
		"AWS::Logs::MetricFilter":      regexp.MustCompile(`^.{1,512}$`),
		"AWS::CodeDeploy::Application": regexp.MustCompile(`^.{1,100}$`),
	}
	found := each("", func(r resource) string {
		for property, name := range named(r) {
			if pattern := valid[r.kind]; pattern == nil || !pattern.MatchString(name) {
				return fmt.Sprintf("has the %s %q", property, name)
			}
		}
		for _, metric := range items(r.properties["MetricTransformations"]) {
			if space := word(metric, "MetricNamespace"); !regexp.MustCompile(`^[^:]{1,255}$`).MatchString(space) {
				return fmt.Sprintf("has the namespace %q", space)
			}
		}
		return ""
	})(d)
	for name, output := range asMap(d["Outputs"]) {
		export := word(output, "Export", "Name")
		if !regexp.MustCompile(`^[A-Za-z0-9:-]{0,255}$`).MatchString(export) {
			found = append(found, fmt.Sprintf("the output %s is exported as %q", name, export))
		}
	}
	return found
}

// apiRules are about the HTTP API.
func apiRules() []rule {
	return []rule{
		{
			says:   "the settings of a route are those of a route that exists",
			source: "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html",
			check:  settingsOfNoRoute,
			broken: `
A: {Type: AWS::ApiGatewayV2::Api, Properties: {Body: {paths: {/a: {get: {}}}}}}
S: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref A, RouteSettings: {"POST /a": {ThrottlingRateLimit: 1}}}}`,
		},
		{
			says:   "an access log uses only variables that HTTP APIs have; another one is always \"-\"",
			source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html",
			check: each("AWS::ApiGatewayV2::Stage", func(stage resource) string {
				for _, variable := range regexp.MustCompile(`\$context\.[\w.]+`).FindAllString(word(stage.properties["AccessLogSettings"], "Format"), -1) {
					if !slices.Contains(accessLogVariables, strings.TrimPrefix(variable, "$context.")) {
						return "logs " + variable
					}
				}
				return ""
			}),
			broken: "S: {Type: AWS::ApiGatewayV2::Stage, Properties: {AccessLogSettings: {Format: $context.authorizer.status}}}",
		},
	}
}

// accessLogVariables are those of HTTP APIs that hold no text of a caller.
var accessLogVariables = []string{
	"accountId", "apiId", "dataProcessed", "error.responseType", "extendedRequestId", "identity.sourceIp", "integration.latency",
	"integration.status", "integrationLatency", "integrationStatus", "requestId", "requestTime", "requestTimeEpoch", "responseLatency",
	"responseLength", "routeKey", "stage", "status",
}

func settingsOfNoRoute(d deployment) []string {
	routes := make(map[string]bool)
	for _, api := range d.of("AWS::ApiGatewayV2::Api") {
		for path, methods := range asMap(at(api.properties, "Body", "paths")) {
			for method := range asMap(methods) {
				routes[strings.ToUpper(method)+" "+path] = true
			}
		}
	}
	return each("AWS::ApiGatewayV2::Stage", func(stage resource) string {
		for route := range asMap(stage.properties["RouteSettings"]) {
			if !routes[route] {
				return "has settings of the route " + route
			}
		}
		return ""
	})(d)
}

// formRules are about the template itself.
func formRules() []rule {
	return []rule{
		{
			says:   "a template refers only to resources that this deployment creates",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html",
			check:  danglingReferences,
			broken: "R: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Missing]}}",
		},
		{
			says:   "no resource depends on itself through others",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html",
			check:  circles,
			broken: `
A: {Type: AWS::IAM::Role, Properties: {Policies: !GetAtt B.Arn}}
B: {Type: AWS::KMS::Key, DependsOn: C}
C: {Type: AWS::IAM::Policy, Properties: {Roles: [!Sub "${A}"]}}`,
		},
		{
			says:   "the sections Rules and Conditions use their own functions only, and And and Or have 2 to 10 conditions",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html",
			check:  misusedFunctions,
			broken: `Rules: {R: {Assertions: [{Assert: {"Fn::Or": [{"Fn::Equals": [a, b]}]}}]}}`,
		},
		{
			says:   "the attributes of a resource have no intrinsic functions",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
			check: each("", func(r resource) string {
				for _, attribute := range []string{"Type", "Condition", "DeletionPolicy", "UpdateReplacePolicy"} {
					if value := r.body[attribute]; value != nil && word(value) == "" {
						return fmt.Sprintf("has the %s %v", attribute, value)
					}
				}
				return ""
			}),
			broken: "Q: {Type: AWS::SQS::Queue, DeletionPolicy: !Ref Policy}",
		},
		{
			says:   "a template has at most 500 resources, 200 parameters, 200 outputs and 1 MB",
			source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
			check: func(d deployment) []string {
				sizes := []int{len(asMap(d["Resources"])), len(asMap(d["Parameters"])), len(asMap(d["Outputs"])), len(encoded(map[string]any(d)))}
				for i, most := range []int{500, 200, 200, 1_000_000} {
					if sizes[i] > most {
						return []string{fmt.Sprintf("it has %d resources, %d parameters, %d outputs and %d bytes", sizes[0], sizes[1], sizes[2], sizes[3])}
					}
				}
				return nil
			},
			broken: "Q: {Type: AWS::SQS::Queue, Metadata: " + strings.Repeat("x", 1_000_001) + "}",
		},
	}
}

// misusedFunctions checks the functions of the sections Rules and Conditions.
func misusedFunctions(d deployment) []string {
	allowed := map[string][]string{
		"Rules":      {"Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::If", "Fn::Not", "Fn::Or", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"},
		"Conditions": {"Fn::And", "Fn::Equals", "Fn::FindInMap", "Fn::If", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Sub", "Fn::Join"},
	}
	var found []string
	for part, names := range allowed {
		walk(d[part], func(name string, value any) {
			switch arguments := len(items(value)); {
			case strings.HasPrefix(name, "Fn::") && !slices.Contains(names, name):
				found = append(found, fmt.Sprintf("%s use %s", part, name))
			case (name == "Fn::And" || name == "Fn::Or") && (arguments < 2 || arguments > 10):
				found = append(found, fmt.Sprintf("%s have an %s of %d conditions", part, name, arguments))
			}
		})
	}
	return found
}

// walk calls visit for every member of a value.
func walk(value any, visit func(name string, value any)) {
	for _, item := range items(value) {
		for name, member := range asMap(item) {
			visit(name, member)
			walk(member, visit)
		}
	}
}

func danglingReferences(d deployment) []string {
	var found []string
	all := asMap(d["Resources"])
	for _, part := range []string{"Resources", "Outputs"} {
		members := asMap(d[part])
		for _, name := range slices.Sorted(maps.Keys(members)) {
			for _, r := range references(members[name]) {
				if all[r.name] == nil {
					found = append(found, fmt.Sprintf("%s refers to %s, which does not exist", name, r.name))
				}
			}
		}
	}
	return found
}

func circles(d deployment) []string {
	needs := make(map[string]map[string]bool)
	for _, r := range d.of("") {
		needs[r.name] = make(map[string]bool)
		for _, other := range references(r.body) {
			needs[r.name][other.name] = true
		}
	}
	for removed := true; removed; {
		removed = false
		for name, others := range needs {
			maps.DeleteFunc(others, func(other string, _ bool) bool { return needs[other] == nil })
			if len(others) == 0 {
				delete(needs, name)
				removed = true
			}
		}
	}
	if len(needs) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%v depend on each other", slices.Sorted(maps.Keys(needs)))}
}
