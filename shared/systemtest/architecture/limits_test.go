package architecture_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwtauth"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/openapitest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/signature"
)

// TestReferenceHasTheLimitsOfTheCode compares the table of limits with the
// constants, and with the defaults of the parameters that it names.
func TestReferenceHasTheLimitsOfTheCode(t *testing.T) {
	t.Parallel()
	standard := func(parameter string) string { return text(section(t, "Parameters"), parameter, "Default") }
	ports := strings.Split(standard("ReceiverPorts"), ",")
	if standard("LogRetentionDays") != standard("EventRetentionDays") {
		t.Errorf("logs and events are no longer kept equally long by default; %s gives them one number", reference)
	}
	want := map[string]string{ // the beginning of each limit
		"request body":                       fmt.Sprintf("%d KiB; 1 MiB for publishing", httpapi.MaxBody>>10),
		"events of one request":              fmt.Sprint(*openapitest.Document(t).Components.Schemas["NewEvents"].Value.Properties["events"].Value.MaxItems),
		"data of an event":                   fmt.Sprintf("%d KiB, arrays and objects nested %d deep", event.MaxData>>10, event.MaxDepth),
		"IDs of events and tenants":          fmt.Sprintf("%d of ", event.MaxIDLength),
		"webhooks of a tenant":               thousands(webhook.MaxPerTenant),
		"webhooks of a tenant with one host": standard("WebhooksPerHost") + " (parameter WebhooksPerHost)",
		"name of a webhook":                  fmt.Sprintf("%d characters", webhook.MaxNameLength),
		"URL of a webhook":                   fmt.Sprintf("%s bytes; https, ports %s (", thousands(guard.MaxURLBytes), strings.Join(ports, " and ")),
		"rate_limit of a webhook":            fmt.Sprintf("%v to %s deliveries a second", webhook.MinRateLimit, thousands(webhook.MaxRateLimit)),
		"one attempt":                        fmt.Sprintf("%s seconds (parameter AttemptTimeoutSeconds), of which %.0f to connect", standard("AttemptTimeoutSeconds"), guard.ConnectTimeout.Seconds()),
		"requests to the API":                fmt.Sprintf("%s a second (parameter ThrottleRate), bursts of %s ", standard("ThrottleRate"), standard("ThrottleBurst")),
		"events of a tenant by HTTP":         fmt.Sprintf("%s a second (parameter PublishRate), bursts of %s ", standard("PublishRate"), thousands(number(t, 0, section(t, "Parameters"), "PublishBurst", "Default"))),
		"retention of logs and events":       standard("LogRetentionDays") + " days",
	}
	for _, row := range pageNamed(t, reference).part(t, "Limits").tables()[0].rows {
		what, limit := plainText(row[0]), plainText(row[1])
		begin, known := want[what]
		if !known {
			t.Errorf("%s has a limit for %q, which this test does not know", reference, what)
		} else if !strings.HasPrefix(limit, begin) {
			t.Errorf("%s says that the limit for %q is %q, want it to begin with %q", reference, what, limit, begin)
		}
		delete(want, what)
	}
	for what := range want {
		t.Errorf("%s has no limit for %q", reference, what)
	}
}

// TestReferenceHasTheNumbersOfTheCode looks for the numbers that sentences of the
// reference give.
func TestReferenceHasTheNumbersOfTheCode(t *testing.T) {
	t.Parallel()
	p := pageNamed(t, reference)
	for title, sentences := range map[string][]string{
		"Webhooks": {
			fmt.Sprintf("%d to %d characters, no control characters", webhook.MinNameLength, webhook.MaxNameLength),
			fmt.Sprintf("base64 of %d to %d bytes, or any other %d to %d characters", signature.MinKeyBytes, signature.MaxKeyBytes, signature.MinSecretCharacters, signature.MaxSecretCharacters),
		},
		"Update a webhook": {fmt.Sprintf("for %.0f hours", webhook.SecretOverlap.Hours())},
		"Rotate the secret": {
			fmt.Sprintf("0 to %d; %.0f by default", webhook.MaxOverlapDays, webhook.SecretOverlap.Hours()/24),
			fmt.Sprintf("At most %s old secrets", []string{"no", "one", "two", "three"}[webhook.MaxPreviousSecrets]),
		},
		"Test a webhook": {
			fmt.Sprintf("once in %.0f seconds", webhook.TestInterval.Seconds()),
			fmt.Sprintf("takes at most %.0f seconds", webhook.TestTimeout.Seconds()),
			fmt.Sprintf("(parameter `TestRate`), bursts of %s (parameter `TestBurst`)", text(section(t, "Parameters"), "TestBurst", "Default")),
		},
		"JWTs": {
			fmt.Sprintf("at most %d KB", jwtauth.MaxBytes>>10),
			fmt.Sprintf("differ by %.0f seconds", jwtauth.Skew.Seconds()),
			fmt.Sprintf("every %.0f minutes while tokens arrive", jwks.RefreshAfter.Minutes()),
			fmt.Sprintf("at most once in %.0f seconds", jwks.RetryAfter.Seconds()),
			fmt.Sprintf("up to %.0f hours", jwks.MaxAge.Hours()),
			fmt.Sprintf("at most %.0f seconds and %d KiB", jwks.FetchTimeout.Seconds(), jwks.MaxBytes>>10),
			strings.Join(jwks.Algorithms()[:len(jwks.Algorithms())-1], ", ") + " or " + jwks.Algorithms()[len(jwks.Algorithms())-1],
		},
	} {
		for _, sentence := range sentences {
			if !strings.Contains(p.part(t, title).text, sentence) {
				t.Errorf("%s, %s, does not say %q", reference, title, sentence)
			}
		}
	}
}

// TestReferenceExplainsEveryRefusalOfAJWT compares the reasons in the page with those in
// the code: the log line with the reason is all that an operator sees.
func TestReferenceExplainsEveryRefusalOfAJWT(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(cloudtest.Path("shared/auth/jwtauth/refusal.go"))
	if err != nil {
		t.Fatal(err)
	}
	page := pageNamed(t, reference).part(t, "JWTs").text
	reasons := regexp.MustCompile(`Refusal = "(.+)"`).FindAllStringSubmatch(string(source), -1)
	for _, reason := range reasons {
		if !strings.Contains(page, "`JWT "+reason[1]+"`") {
			t.Errorf("%s does not explain the refusal %q", reference, reason[1])
		}
	}
	if documented := regexp.MustCompile("`JWT [a-z ]+`").FindAllString(page, -1); len(documented) != len(reasons) {
		t.Errorf("%s has %d reasons, the code has %d", reference, len(documented), len(reasons))
	}
}

// TestSettingsForIdentityProvidersFitTheTemplate checks the parameters in the page's
// examples.
func TestSettingsForIdentityProvidersFitTheTemplate(t *testing.T) {
	t.Parallel()
	parameters := section(t, "Parameters")
	examples := regexp.MustCompile("(Jwt[A-Za-z]+)=([^ `\n]+)").FindAllStringSubmatch(pageNamed(t, reference).part(t, "JWTs").text, -1)
	for _, example := range examples {
		allowed, err := regexp.Compile("^(?:" + text(parameters, example[1], "AllowedPattern") + ")$")
		if err != nil || at(parameters, example[1]) == nil || !allowed.MatchString(example[2]) {
			t.Errorf("%s: the template does not accept %s=%s (%v)", reference, example[1], example[2], err)
		}
	}
	if len(examples) < 20 {
		t.Errorf("%s has %d settings of identity providers", reference, len(examples))
	}
}

// thousands writes a number below a million with a comma.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
