package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The tests call some AWS services that no function calls. They use net/http and the
// SDK's signer, so that the module needs no SDK package for them.

// administrator returns the root credentials of the local cloud, or the credentials
// of the person who runs make smoke.
func administrator(t testing.TB) aws.Credentials {
	stack := deployed(t)
	return aws.Credentials{AccessKeyID: stack.AccessKeyID, SecretAccessKey: stack.SecretAccessKey, SessionToken: stack.SessionToken}
}

// awsCall sends a signed request to an AWS service.
func awsCall(t testing.TB, service, method, path string, payload []byte, header http.Header, by aws.Credentials) answer {
	t.Helper()
	stack := deployed(t)
	endpoint := stack.EndpointURL
	if endpoint == "" {
		endpoint = "https://" + service + "." + stack.Region + "." + stack.DNSSuffix
	}
	request, err := http.NewRequestWithContext(t.Context(), method, endpoint+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	hash := sha256.Sum256(payload)
	if err := v4.NewSigner().SignHTTP(t.Context(), by, request, hex.EncodeToString(hash[:]), service, stack.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return do(t, request)
}

// invoke calls a function with the credentials by.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func invoke(t testing.TB, function string, payload []byte, by aws.Credentials) answer {
	t.Helper()
	return awsCall(t, "lambda", http.MethodPost, "/2015-03-31/functions/"+function+"/invocations", payload, http.Header{}, by)
}

// environment returns the variables of a deployed function.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
func environment(t testing.TB, function string) map[string]string {
	t.Helper()
	got := awsCall(t, "lambda", http.MethodGet, "/2015-03-31/functions/"+function+"/configuration", nil, http.Header{}, administrator(t))
	var configuration struct {
		Environment struct{ Variables map[string]string }
	}
	if err := json.Unmarshal([]byte(got.Body), &configuration); err != nil || got.Status != http.StatusOK {
		t.Fatalf("configuration of %s: status %d, %v: %s", function, got.Status, err, got.Body)
	}
	return configuration.Environment.Variables
}

// query calls an AWS service that uses the query protocol.
func query(t testing.TB, service, version string, answer any, action string, parameters ...string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i+1 < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	got := awsCall(t, service, http.MethodPost, "/", []byte(form.Encode()),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, administrator(t))
	if err := xml.Unmarshal([]byte(got.Body), answer); err != nil || got.Status != http.StatusOK {
		t.Fatal(fmt.Errorf("%s %v: status %d, %w: %s", action, parameters, got.Status, err, got.Body))
	}
}

// physicalID returns the deployed name of a resource of the template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html
func physicalID(t testing.TB, logicalID string) string {
	t.Helper()
	var response struct {
		ID string `xml:"DescribeStackResourceResult>StackResourceDetail>PhysicalResourceId"`
	}
	query(t, "cloudformation", "2010-05-15", &response, "DescribeStackResource",
		"StackName", deployed(t).StackName, "LogicalResourceId", logicalID)
	if response.ID == "" {
		t.Fatalf("the stack has no %s", logicalID)
	}
	return response.ID
}

// putEvent puts an event on the bus and returns its id, which the bus assigns.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func putEvent(t testing.TB, detailType, detail string) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"Entries": []map[string]string{{
		"EventBusName": deployed(t).EventBusName, "Source": "platform", "DetailType": detailType, "Detail": detail,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := awsCall(t, "events", http.MethodPost, "/", payload,
		http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSEvents.PutEvents"}}, administrator(t))
	var response struct {
		Entries []struct {
			ID string `json:"EventId"`
		}
	}
	if err := json.Unmarshal([]byte(got.Body), &response); err != nil || len(response.Entries) != 1 || response.Entries[0].ID == "" {
		t.Fatalf("put an event: status %d, %v: %s", got.Status, err, got.Body)
	}
	return response.Entries[0].ID
}
