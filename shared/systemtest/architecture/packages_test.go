package architecture_test

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPackagesAreNamedByDomain checks the name and the folder of every package.
func TestPackagesAreNamedByDomain(t *testing.T) {
	t.Parallel()
	oneWord := regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	banned := []string{"util", "utils", "common", "types", "models", "model", "handlers", "store", "helpers", "helper", "misc", "base"}
	for _, file := range goFiles(t) {
		name := strings.TrimSuffix(file.ast.Name.Name, "_test")
		switch {
		case slices.Contains(banned, name):
			t.Errorf("%s: the name %s describes a kind of code: name the package by its domain", file.name, name)
		case !oneWord.MatchString(name):
			t.Errorf("%s: package %s is not one lower-case word", file.name, name)
		case name != "main" && name != path.Base(file.folder()):
			t.Errorf("%s: package %s is in a folder of another name", file.name, name)
		}
	}
}

// TestOnlyTheEdgesKnowTheSDK keeps the AWS SDK out of the domain packages, so that
// they can be tested without it and only …db packages handle its errors.
func TestOnlyTheEdgesKnowTheSDK(t *testing.T) {
	t.Parallel()
	edges := []string{"shared/aws/dynamo", "shared/aws/queue", "shared/testkit/cloudtest", "shared/testkit/faulttest", "shared/testkit/routetest", "shared/aws/boot", "shared/webhook/vault"}
	for _, file := range goFiles(t) {
		isEdge := slices.Contains(edges, file.folder()) || strings.HasSuffix(file.folder(), "db") ||
			strings.HasPrefix(file.name, "functions/") && path.Base(file.name) == "main.go" ||
			// It passes clients to the …db packages and the queues, for two mains and the
			// crash tests, which would repeat the same lines without it.
			file.name == "shared/delivery/dispatch/settings.go"
		if isEdge || isTest(file.name) {
			continue
		}
		for _, imported := range file.imports() {
			if strings.HasPrefix(imported, "github.com/aws/aws-sdk-go-v2/service/") {
				t.Errorf("%s imports %s: only …db packages, the edges %v and mains may call AWS", file.name, imported, edges)
			}
		}
	}
}

// TestOutsideInputIsReadStrictly: encoding/json matches "Tenant_ID" to tenant_id,
// takes the last of duplicate members and replaces invalid UTF-8. time.Parse reads
// "T9:00" and "+24:00".
func TestOutsideInputIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if isTest(file.name) || supportsTests(file.name) {
			continue
		}
		for _, node := range file.calls("encoding/json", "Unmarshal", "NewDecoder", "Decoder") {
			t.Errorf("%s decodes with encoding/json, which ignores case and takes the last of duplicate members: use github.com/go-json-experiment/json", file.where(node))
		}
		for _, node := range file.calls("time", "Parse", "ParseInLocation") {
			t.Errorf("%s parses a time with package time, which accepts more than RFC 3339: use strictjson.Time", file.where(node))
		}
	}
}

// TestPackagesForTestsStayInTests: code for tests must not be linked into a
// function.
func TestPackagesForTestsStayInTests(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if isTest(file.name) || supportsTests(file.name) {
			continue
		}
		for _, imported := range file.imports() {
			if imported == "testing" || strings.HasPrefix(imported, "github.com/getkin/kin-openapi/") ||
				strings.HasPrefix(imported, "webhooks/") && strings.HasSuffix(imported, "test") {
				t.Errorf("%s imports %s, which is for tests only", file.name, imported)
			}
		}
	}
}

// TestSharedDoesNotDependOnFunctions refuses imports of functions, by shared/ and by
// other functions.
func TestSharedDoesNotDependOnFunctions(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, imported := range file.imports() {
			if strings.HasPrefix(imported, "webhooks/functions/") {
				t.Errorf("%s imports %s: shared code belongs in shared/", file.name, imported)
			}
		}
	}
}

// TestTheNamedModulesAreUsed: the owner of the project named these modules, so no
// change may replace them by code of its own.
func TestTheNamedModulesAreUsed(t *testing.T) {
	t.Parallel()
	for _, module := range []string{
		"github.com/aws/aws-lambda-go/lambda",
		"github.com/aws/aws-sdk-go-v2/service/dynamodb",
		"github.com/aws/aws-sdk-go-v2/service/sqs",
		"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter",
	} {
		used := slices.ContainsFunc(files(t), func(name string) bool {
			production := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "shared/testkit/")
			return production && strings.Contains(read(t, name), strconv.Quote(module))
		})
		if !used {
			t.Errorf("no production package imports %s", module)
		}
	}
}
