// Package starttest checks that a function starts with the settings that
// template.yaml gives it, and not without them.
package starttest

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"webhooks/shared/aws/boot"
	"webhooks/shared/testkit/lambdatest"
)

// optional returns the settings that a function starts without, each with the
// effect of its absence. Every other variable that template.yaml gives a function
// is required.
func optional() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":   "AWS itself",
		"GOGC":               "Go's default",
		"GOMAXPROCS":         "Go's default",
		"GOMEMLIMIT":         "Go's default",
		"JWT_AUDIENCE":       "required with JWT_ISSUER or JWT_JWKS_URL; without all three JWTs are refused",
		"JWT_AUDIENCE_CLAIM": "required with an identity provider",
		"JWT_ISSUER":         "required with JWT_AUDIENCE or JWT_JWKS_URL",
		"JWT_JWKS_URL":       "required with JWT_ISSUER or JWT_AUDIENCE",
		"JWT_SCOPE_CLAIM":    "required with an identity provider",
		"JWT_SCOPE_PREFIX":   "scopes have no prefix",
		"JWT_TENANT_CLAIM":   "required with an identity provider",
		"LOCAL_RECEIVERS":    "receivers on this machine are refused",
		"METRICS_NAMESPACE":  "metrics without a namespace",
		"ORIGIN_SECRET":      "calls past the distribution are accepted",
		"RECEIVER_PORTS":     "443 and 8443",
	}
}

// Check tests the build of the function with this logical id. It must succeed with
// the variables of template.yaml, name a required variable that is missing, and
// name all of them in one error when all are missing. It must refuse each of the
// bad settings, NAME=value, with an error that has the name.
func Check[F any](t *testing.T, build boot.Build[F], function string, bad ...string) {
	t.Helper()
	all := lambdatest.NewNames(t).Variables(function, nil)
	required := []string{"AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"}
	for name := range all {
		if _, is := optional()[name]; !is && !slices.Contains(required, name) {
			required = append(required, name)
		}
	}
	if err := start(build, all); err != nil {
		t.Errorf("with all variables of template.yaml: %v", err)
	}
	for _, name := range required {
		without := maps.Clone(all)
		delete(without, name)
		if err := start(build, without); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: error %v, want one that names it", name, err)
		}
	}
	for _, setting := range bad {
		with := maps.Clone(all)
		name, value, _ := strings.Cut(setting, "=")
		with[name] = value
		if err := start(build, with); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("with %s: error %v, want one that names it", setting, err)
		}
	}
	err := start(build, nil)
	for _, name := range required {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without any variable: error %v, want one that also names %s", err, name)
		}
	}
}

func start[F any](build boot.Build[F], variables map[string]string) error {
	_, err := build(slog.New(slog.DiscardHandler), func(name string) string { return variables[name] })
	return err
}
