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

// codes returns the error codes of a response.
func codes(response *openapi3.Response) []apperr.Reason {
	var list []apperr.Reason
	content := response.Content["application/json"]
	if content == nil {
		return nil
	}
	schemas := append(openapi3.SchemaRefs{content.Schema}, content.Schema.Value.OneOf...)
	for _, s := range schemas {
		if code := s.Value.Properties["code"]; code != nil {
			for _, value := range code.Value.Enum {
				if number, _ := value.(float64); number != 0 {
					list = append(list, apperr.Reason(number))
				}
			}
		}
	}
	return list
}

// TestResponsesAreUnderTheirStatus checks that the codes of a response begin with its
// status, and that the response has an example of each.
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

// TestErrorExamplesHaveTheSentences compares the example of every code with the
// sentence in apperr, whose verbs match any text. The end-to-end tests provoke the
// errors that a caller can provoke.
func TestErrorExamplesHaveTheSentences(t *testing.T) {
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
			t.Errorf("Error%d has the message %q, and apperr has %q", reason, message, apperr.New(reason).Message(locale.Chinese))
		}
	}
	if len(examples) != len(apperr.Reasons()) {
		t.Errorf("%d examples for %d codes", len(examples), len(apperr.Reasons()))
	}
}

// sentence returns a pattern that matches format with any arguments.
func sentence(format string) *regexp.Regexp {
	text := regexp.QuoteMeta(format)
	text = strings.ReplaceAll(text, "%s", ".+")
	return regexp.MustCompile("^" + strings.ReplaceAll(text, "%d", "[0-9]+") + "$")
}

// anyURL accepts every URL.
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
