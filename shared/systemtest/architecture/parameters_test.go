package architecture_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"webhooks/shared/auth/jwtauth"
	"webhooks/shared/aws/boot"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// TestParametersAreUsable checks that every parameter has a default, a description,
// limits and a group.
func TestParametersAreUsable(t *testing.T) {
	t.Parallel()
	var grouped []string
	groups, _ := at(section(t, "Metadata"), "AWS::CloudFormation::Interface", "ParameterGroups").([]any)
	for _, group := range groups {
		names, _ := at(group, "Parameters").([]any)
		for _, name := range names {
			grouped = append(grouped, fmt.Sprint(name))
		}
	}
	for name, parameter := range section(t, "Parameters") {
		if at(parameter, "Default") == nil {
			t.Errorf("%s has no Default: `sam deploy` alone must work", name)
		}
		if text(parameter, "Description") == "" {
			t.Errorf("%s has no Description: it is what `sam deploy --guided` shows", name)
		}
		bounded := false
		for _, limit := range []string{"AllowedValues", "AllowedPattern", "MinValue", "MaxLength"} {
			bounded = bounded || at(parameter, limit) != nil
		}
		if !bounded {
			t.Errorf("%s accepts every value: add its limits", name)
		}
		if !slices.Contains(grouped, name) {
			t.Errorf("%s is in no group of AWS::CloudFormation::Interface, so the console shows it last", name)
		}
	}
}

// TestTheParameterTableIsTheTemplates compares the parameters in the page with
// the template, in the order in which the console shows them.
func TestTheParameterTableIsTheTemplates(t *testing.T) {
	t.Parallel()
	var want []string
	groups, _ := at(section(t, "Metadata"), "AWS::CloudFormation::Interface", "ParameterGroups").([]any)
	for _, group := range groups {
		names, _ := at(group, "Parameters").([]any)
		for _, name := range names {
			parameter := section(t, "Parameters")[fmt.Sprint(name)]
			value := "none"
			if set := text(parameter, "Default"); set != "" {
				value = "`" + set + "`"
			}
			want = append(want, fmt.Sprintf("| `%s` | %s | %s |", name, value, text(parameter, "Description")))
		}
	}
	checkTable(t, operating, "## Parameters", want)
}

// forParameters lists values that each parameter with a pattern must accept and
// refuse. Without the pattern, a bad value would fail later: in the code after the
// deployment, or in AWS during it. code reads the parameter, unless AWS reads it.
var forParameters = map[string]struct {
	code    func(value string) error
	good    []string
	refused []string
}{
	"RetrySchedule": {
		code: func(value string) error { _, err := delivery.ParseSchedule(value); return err },
		good: []string{"5", "5,300", "604800", "99999,100000,599999,600000,604799", strings.Repeat("1,", 18) + "1"},
		refused: []string{
			"", "0", "5,0", "604801", "604810", "605000", "610000", "999999", "1000000", "-5", "5.5", "5,,5", ",5", "5,", "five",
			strings.Repeat("1,", 19) + "1",
		},
	},
	"ReceiverPorts": {
		code:    receiverPorts,
		good:    []string{"443", "443,8443", "1,9,99,999,9999,59999,65535"},
		refused: []string{"0", "443,0", "65536", "65600", "66000", "99999", "100000", "443,", ",443", "https", "-1"},
	},
	"JwtJwksUrl": {
		code: func(value string) error {
			g, err := guard.New(guard.Config{})
			if err != nil || value == "" || strings.HasPrefix(value, "http://127.0.0.1") {
				return err // no URL, or that of the local cloud
			}
			_, err = g.CheckURL(value)
			return err
		},
		good:    []string{"", "https://id.example.com/.well-known/jwks.json", "https://id.example.com:8443/keys?a=b", "http://127.0.0.1:8000/jwks"},
		refused: []string{"id.example.com", "ftp://id.example.com/", "https://", "https://user:secret@id.example.com/jwks", "https://id.example.com/#keys", "https://id.example.com/a b"},
	},
	"JwtIssuer": {good: []string{"", "https://id.example.com/"}, refused: []string{"https://id.example.com/\n", "https://bücher.example/"}},
	"JwtAudience": {
		code: func(value string) error {
			if value == "" {
				return nil // no identity provider
			}
			_, err := jwtauth.New(jwtauth.Config{Issuer: "i", Audience: value, AudienceClaim: "aud", TenantClaim: "t", ScopeClaim: "s"}, nil, time.Now)
			return err
		},
		good:    []string{"", "webhooks", "a b", "a,b", "https://a.example.com/-,b"},
		refused: []string{" ", ",", ", ,"},
	},
	"JwtAudienceClaim": {good: []string{"aud", "client_id", "https://example.com/aud"}, refused: []string{"", "a b"}},
	"JwtScopePrefix":   {good: []string{"", "https://api.example.com/", "api/"}, refused: []string{"a b", "é"}},
	"JwtTenantClaim":   {good: []string{"tenant_id", "https://example.com/tenant"}, refused: []string{"", "a b", strings.Repeat("x", 256)}},
	"JwtScopeClaim":    {good: []string{"scope"}, refused: []string{"", "a b", strings.Repeat("x", 256)}},
	"SecretsKeyArn":    keyARNs,
	"OldSecretsKeyArn": keyARNs,
	"DomainName": {
		good:    []string{"", "hooks.example.com", "a-b.example.co.uk"},
		refused: []string{"example", "https://hooks.example.com", "hooks.example.com/", "Hooks.example.com", "hooks.example.com.", "-a.example.com", "*.example.com"},
	},
	"CertificateArn": {
		good:    []string{"", "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"},
		refused: []string{"12345678-1234-1234-1234-123456789012", "arn:aws:acm:us-east-1:123456789012:certificate/", "arn:aws:acm::123456789012:certificate/1"},
	},
	"HostedZoneId": {good: []string{"", "Z2FDTNDATAQYW2"}, refused: []string{"/hostedzone/Z2FDTNDATAQYW2", "example.com", "z2fdtndataqyw2"}},
	"OriginSecret": {
		good:    []string{"", strings.Repeat("x", 32), "0123456789-_ABCDEFabcdef0123456789", strings.Repeat("x", 128), strings.Repeat("x", 32) + "," + strings.Repeat("y", 32)},
		refused: []string{"short", strings.Repeat("x", 32) + ",", "," + strings.Repeat("x", 32), strings.Repeat("x", 31), strings.Repeat("x", 129), strings.Repeat("x", 31) + " ", strings.Repeat("x", 32) + "\n"},
	},
	"AlarmTopicArn": {
		good:    []string{"", "arn:aws:sns:us-east-1:123456789012:alarms"},
		refused: []string{"alarms", "arn:aws:sqs:us-east-1:123456789012:alarms", "arn:aws:sns:us-east-1:123456789012:alarms.fifo", "arn:aws:sns:us-east-1:123456789012:alarms:1234"},
	},
}

// keyARNs are the values of both parameters for a KMS key.
var keyARNs = struct {
	code    func(value string) error
	good    []string
	refused []string
}{
	good:    []string{"", "arn:aws:kms:us-east-1:123456789012:key/mrk-1234", "arn:aws-cn:kms:cn-north-1:123456789012:key/12345678-1234-1234-1234-123456789012"},
	refused: []string{"alias/mine", "12345678-1234-1234-1234-123456789012", "arn:aws:kms:us-east-1:123456789012:alias/mine"},
}

// receiverPorts reads ReceiverPorts as the functions do.
func receiverPorts(value string) error {
	_, err := guard.FromEnv(func(name string) string {
		if name == guard.EnvPorts {
			return value
		}
		return ""
	})
	return err
}

// TestPatternsAreAsStrictAsTheCode: a value that the pattern accepts but the code
// refuses would deploy and then stop all deliveries. CloudFormation matches the whole
// value: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func TestPatternsAreAsStrictAsTheCode(t *testing.T) {
	t.Parallel()
	for name, parameter := range section(t, "Parameters") {
		pattern := text(parameter, "AllowedPattern")
		if pattern == "" {
			continue
		}
		values, known := forParameters[name]
		if !known {
			t.Errorf("%s has a pattern: add its values to forParameters", name)
			continue
		}
		allowed := regexp.MustCompile("^(?:" + pattern + ")$")
		for _, value := range append(values.good, text(parameter, "Default")) {
			if !allowed.MatchString(value) {
				t.Errorf("%s refuses %q", name, value)
			}
			if values.code != nil {
				if err := values.code(value); err != nil {
					t.Errorf("the code refuses %s=%s: %v", name, value, err)
				}
			}
		}
		for _, value := range values.refused {
			if allowed.MatchString(value) {
				t.Errorf("%s accepts %q, which stops the service", name, value)
			}
			if values.code != nil && value != "" && values.code(value) == nil {
				t.Errorf("the code accepts %s=%q, but the template refuses it", name, value)
			}
		}
	}
}

// TestPatternsAllowNothingElse generates values from the patterns and gives them to
// the code.
func TestPatternsAllowNothingElse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"RetrySchedule", "ReceiverPorts"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			generated := rapid.StringMatching(text(section(t, "Parameters"), name, "AllowedPattern"))
			rapid.Check(t, func(t *rapid.T) {
				value := generated.Draw(t, name)
				if err := forParameters[name].code(value); err != nil {
					t.Fatalf("the pattern accepts %q: %v", value, err)
				}
			})
		})
	}
}

// TestNumbersAreAsStrictAsTheCode gives both limits of each number to the code.
func TestNumbersAreAsStrictAsTheCode(t *testing.T) {
	t.Parallel()
	variables := map[string]string{
		"AttemptTimeoutSeconds": "ATTEMPT_TIMEOUT_SECONDS", "ResponseBodyBytes": "RESPONSE_BODY_BYTES",
		"LogRetentionDays": "LOG_RETENTION_DAYS", "EventRetentionDays": "EVENT_RETENTION_DAYS",
		"PublishRate": "PUBLISH_RATE", "PublishBurst": "PUBLISH_BURST", "WebhooksPerHost": "WEBHOOKS_PER_HOST",
	}
	// AWS reads the others.
	ofAWS := []string{"FanoutConcurrency", "DispatcherConcurrency", "SlowConcurrency", "ThrottleRate", "ThrottleBurst", "TestRate", "TestBurst", "FailingAttemptsPercent", "FunctionLogRetentionDays"}
	parameters := section(t, "Parameters")
	for name, parameter := range parameters {
		if text(parameter, "Type") != "Number" || slices.Contains(ofAWS, name) {
			continue
		}
		variable, known := variables[name]
		if !known {
			t.Errorf("%s is a number: add the environment variable that reads it to this test", name)
			continue
		}
		for _, end := range []string{"MinValue", "MaxValue"} {
			environment := map[string]string{
				"LOGS_TABLE": "l", "LOG_RETENTION_DAYS": "30", "ATTEMPT_TIMEOUT_SECONDS": "15", "RESPONSE_BODY_BYTES": "512",
				"EVENT_RETENTION_DAYS": "30", "PUBLISH_RATE": "0", "PUBLISH_BURST": "1", "WEBHOOKS_PER_HOST": "1",
			}
			environment[variable] = text(parameter, end)
			getenv := func(name string) string { return environment[name] }
			settings := boot.NewSettings(getenv)
			settings.Days("EVENT_RETENTION_DAYS")
			event.LimitOf(settings.Int)
			settings.Int("WEBHOOKS_PER_HOST", 1, webhook.MaxPerTenant)
			if _, err := dispatch.LoadTester(slog.New(slog.DiscardHandler), nil, nil, settings, getenv); err != nil {
				t.Errorf("%s=%s is allowed, and the code refuses it: %v", name, environment[variable], err)
			}
		}
	}
}
