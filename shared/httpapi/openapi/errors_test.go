package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/testkit/openapitest"
)

// codes returns the codes that a response may have.
func codes(response *openapi3.Response) []apperr.Reason {
	var list []apperr.Reason
	content := response.Content["application/json"]
	if content == nil {
		return nil
	}
	schemas := append(openapi3.SchemaRefs{content.Schema}, content.Schema.Value.AnyOf...)
	for _, s := range schemas {
		if code := s.Value.Properties["code"]; code != nil {
			for _, value := range code.Value.Enum {
				number, _ := value.(float64)
				list = append(list, apperr.Reason(number))
			}
		}
	}
	return list
}

// TestResponsesAreUnderTheirStatus: a code begins with its HTTP status, and a
// response with an example for each of its codes stands under that status.
func TestResponsesAreUnderTheirStatus(t *testing.T) {
	t.Parallel()
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, o := range item.Operations() {
			for status, response := range o.Responses.Map() {
				for _, code := range codes(response.Value) {
					if !strings.HasPrefix(strconv.Itoa(int(code)), status) {
						t.Errorf("%s %s: the code %d is under %s", method, path, code, status)
					}
					if response.Value.Content["application/json"].Examples[strconv.Itoa(int(code))] == nil {
						t.Errorf("%s %s: %s has no example of the code %d", method, path, status, code)
					}
				}
			}
		}
	}
}

// TestErrorExamplesAreWhatIsAnswered compares the example of every code with the
// service's own sentence, whose verbs may stand for anything. Those that a
// caller can provoke, the end-to-end tests provoke.
func TestErrorExamplesAreWhatIsAnswered(t *testing.T) {
	t.Parallel()
	examples := openapitest.Document(t).Components.Examples
	for reason := range apperr.Reasons() {
		example := examples[fmt.Sprintf("Error%d", reason)]
		if example == nil {
			t.Errorf("there is no example Error%d", reason)
			continue
		}
		value, _ := example.Value.Value.(map[string]any)
		if value["code"] != float64(reason) {
			t.Errorf("Error%d has the code %v", reason, value["code"])
		}
		message, _ := value["message"].(string)
		if !sentence(apperr.New(reason).Message(locale.Chinese)).MatchString(message) {
			t.Errorf("Error%d says %q, the service %q", reason, message, apperr.New(reason).Message(locale.Chinese))
		}
	}
	if len(examples) != len(apperr.Reasons()) {
		t.Errorf("%d examples for %d codes", len(examples), len(apperr.Reasons()))
	}
}

// sentence is what a format makes, whatever its arguments are.
func sentence(format string) *regexp.Regexp {
	text := regexp.QuoteMeta(format)
	text = strings.ReplaceAll(text, "%s", ".+")
	return regexp.MustCompile("^" + strings.ReplaceAll(text, "%d", "[0-9]+") + "$")
}

// anyURL takes every URL.
type anyURL struct{}

func (anyURL) CheckURL(string) (*url.URL, error) { return &url.URL{}, nil }

func quoted(t testing.TB, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
