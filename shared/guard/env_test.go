package guard_test

import (
	"errors"
	"net"
	"testing"

	"webhooks/shared/guard"
)

// env returns a getenv for pairs of name and value.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	const realAWS = "https://dynamodb.eu-central-1.amazonaws.com"
	tests := []struct {
		name   string
		getenv func(string) string
		fails  bool
	}{
		{name: "nothing set", getenv: env()},
		{name: "ports", getenv: env("RECEIVER_PORTS", "443, 8443,9443")},
		{name: "port 0", getenv: env("RECEIVER_PORTS", "0"), fails: true},
		{name: "port out of range", getenv: env("RECEIVER_PORTS", "443,65536"), fails: true},
		{name: "nothing between two commas", getenv: env("RECEIVER_PORTS", "443,,8443"), fails: true},
		{name: "local receivers off against real AWS", getenv: env("LOCAL_RECEIVERS", "false", "AWS_ENDPOINT_URL", realAWS)},
		{name: "local receivers neither on nor off", getenv: env("LOCAL_RECEIVERS", "yes", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566"), fails: true},
		{name: "local receivers on without an endpoint", getenv: env("LOCAL_RECEIVERS", "true"), fails: true},
		{name: "local receivers on against real AWS", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", realAWS), fails: true},
		{name: "local receivers on against a private address", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "https://10.0.3.7"), fails: true},
		{name: "local receivers on against an address in Docker's range", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "https://172.17.0.9"), fails: true},
		{name: "local receivers on against a VPC endpoint", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com"), fails: true},
		{name: "local receivers on against a look-alike", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://localhost.example.com:4566"), fails: true},
		{name: "local receivers on against no URL", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://"), fails: true},
		{name: "local receivers on, one service real", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_DYNAMODB", realAWS), fails: true},
		{name: "local receivers on, endpoint ignored by the SDK", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), fails: true},
		{name: "local receivers on, loopback", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566")},
		{name: "local receivers on, IPv6 loopback", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://[::1]:4566")},
		{name: "local receivers on, localhost", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://localhost:4566", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")},
		{name: "local receivers on, Docker's host", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://host.docker.internal:4566")},
		{name: "local receivers on, Docker's bridge", getenv: env("LOCAL_RECEIVERS", "true", "AWS_ENDPOINT_URL", "http://172.17.0.1:4566")},
		{name: "own endpoint that cannot be parsed", getenv: env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:http:x"), fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := guard.FromEnv(tt.getenv); (err != nil) != tt.fails {
				t.Errorf("error = %v, want an error: %t", err, tt.fails)
			}
		})
	}
}

func TestFromEnvPorts(t *testing.T) {
	t.Parallel()
	g, err := guard.FromEnv(env("RECEIVER_PORTS", "9443"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.CheckURL("https://example.com:9443/"); err != nil {
		t.Errorf("permitted port: %v", err)
	}
	if _, err := g.CheckURL("https://example.com/"); problemOf(err) != guard.ProblemPort {
		t.Errorf("port 443, which is not permitted: error = %v, want ProblemPort", err)
	}
}

// Inside Lambda the Runtime API listens on loopback. A request to its "next
// invocation" path returns the events of every tenant in the batch, and a request
// to its response path ends the invocation. No spelling of its address is dialled,
// not even with LOCAL_RECEIVERS=true.
func TestRuntimeAPIIsNeverDialled(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		for _, local := range []string{"true", "false"} {
			t.Run(variable+" with LOCAL_RECEIVERS="+local, func(t *testing.T) {
				t.Parallel()
				// The listener uses every address of this machine, so it accepts a dial of any
				// spelling.
				port, accepted := listen(t, ":0")
				value := "127.0.0.1:" + port
				if variable != "AWS_LAMBDA_RUNTIME_API" {
					value = "http://localhost:" + port + "/path"
				}
				g, err := guard.FromEnv(env(variable, value, "AWS_ENDPOINT_URL", "http://127.0.0.1:1", "LOCAL_RECEIVERS", local, "RECEIVER_PORTS", port))
				if err != nil {
					t.Fatal(err)
				}
				for _, host := range []string{
					"127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "localhost", "LOCALHOST", "localhost.",
				} {
					if _, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port)); err == nil {
						t.Errorf("%s is dialled, want ErrRefused", host)
					} else if host != "localhost." && !errors.Is(err, guard.ErrRefused) {
						t.Errorf("%s: error = %v, want ErrRefused", host, err)
					}
				}
				if n := accepted.Load(); n != 0 {
					t.Errorf("%d connections arrived, want none", n)
				}
			})
		}
	}
}
