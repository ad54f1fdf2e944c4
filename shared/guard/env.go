package guard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Environment variables that FromEnv reads besides those of AWS.
const (
	// EnvPorts is a comma-separated list of the permitted destination ports. If it
	// is absent or empty, they are 443 and 8443.
	EnvPorts = "RECEIVER_PORTS"
	// EnvLocal permits loopback receivers, plain http and any port if it is "true".
	// It may also be "false", empty or absent.
	EnvLocal = "LOCAL_RECEIVERS"
)

// FromEnv returns the Guard of a function. Its own endpoints come from the
// variables of Lambda (AWS_LAMBDA_RUNTIME_API, AWS_CONTAINER_CREDENTIALS_FULL_URI)
// and of the AWS SDK (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>).
//
// It fails on a value that it cannot parse, and on LOCAL_RECEIVERS=true unless the
// SDK calls a local cloud: on real AWS, a function that may call loopback would
// expose its Runtime API, so it does not start.
func FromEnv(getenv func(string) string) (*Guard, error) {
	var cfg Config
	var err error
	if cfg.Ports, err = parsePorts(getenv(EnvPorts)); err != nil {
		return nil, err
	}
	switch value := getenv(EnvLocal); value {
	case "true":
		if err := requireLocalCloud(getenv); err != nil {
			return nil, err
		}
		cfg.AllowLocal = true
	case "false", "":
	default:
		return nil, fmt.Errorf("%s=%q: neither true nor false", EnvLocal, value)
	}
	for _, name := range slices.Concat(sdkEndpoints, lambdaEndpoints) {
		if value := getenv(name); value != "" {
			cfg.OwnEndpoints = append(cfg.OwnEndpoints, value)
		}
	}
	return New(cfg)
}

// requireLocalCloud fails unless every endpoint of the AWS SDK is on this machine.
func requireLocalCloud(getenv func(string) string) error {
	if getenv("AWS_ENDPOINT_URL") == "" {
		return fmt.Errorf("%s=true without AWS_ENDPOINT_URL: this is real AWS", EnvLocal)
	}
	// With this variable the SDK ignores AWS_ENDPOINT_URL and calls real AWS.
	if ignore := getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"); ignore != "" && !strings.EqualFold(ignore, "false") {
		return fmt.Errorf("%s=true with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=%s: this is real AWS", EnvLocal, ignore)
	}
	for _, name := range sdkEndpoints {
		value := getenv(name)
		if value == "" {
			continue
		}
		own, err := parseEndpoint(value)
		if err != nil {
			return err
		}
		if !own.isLocal() {
			return fmt.Errorf("%s=true, but %s=%s is not this machine", EnvLocal, name, value)
		}
	}
	return nil
}

// sdkEndpoints are the variables that replace the AWS SDK's endpoints: the general
// one, and those of services that a function may call.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
var sdkEndpoints = []string{
	"AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_CLOUDWATCH",
	"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
	"AWS_ENDPOINT_URL_DYNAMODB",
	"AWS_ENDPOINT_URL_EVENTBRIDGE",
	"AWS_ENDPOINT_URL_KMS",
	"AWS_ENDPOINT_URL_LAMBDA",
	"AWS_ENDPOINT_URL_S3",
	"AWS_ENDPOINT_URL_SECRETS_MANAGER",
	"AWS_ENDPOINT_URL_SQS",
	"AWS_ENDPOINT_URL_SSM",
	"AWS_ENDPOINT_URL_STS",
}

// lambdaEndpoints are the variables in which Lambda names its own endpoints.
var lambdaEndpoints = []string{"AWS_LAMBDA_RUNTIME_API", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}

func parsePorts(list string) ([]uint16, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	var ports []uint16
	for item := range strings.SplitSeq(list, ",") {
		port, err := strconv.ParseUint(strings.TrimSpace(item), 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("%s=%q: %q is not a port", EnvPorts, list, item)
		}
		ports = append(ports, uint16(port))
	}
	return ports, nil
}
