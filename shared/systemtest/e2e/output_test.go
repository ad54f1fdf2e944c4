package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

const (
	// forged is a line as our logger would write it, between line ends.
	forged = "\r\n" + `{"level":"ERROR","message":"forged by a caller","msg":"forged by a caller"}` + "\n"
	// token has the form of an API key.
	token = "whk_abcdefghijklmnop_a234567bcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"
	jwt   = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYXJrZWQifQ."
)

// hostileTexts are what strangers put where a text is expected. Metric filters match
// the words of the third.
var hostileTexts = []string{
	forged, token + forged, "Task timed out after 15.00 seconds" + forged + "Runtime exited", "\x00\x1b[31m" + token, "%zz" + token + "\x7f", jwt + "\u2028" + forged,
	"#" + token + "?" + token, "%0A%7B%22level%22%3A%22ERROR%22%7D%0A?token=" + token,
}

// TestTheLogHoldsOnlyOurOwnLines starts the binary of every deployed function, sends
// it what strangers send, and reads what the process really writes to its standard
// output and standard error. The log group gets these bytes, and metric filters, alarms
// and gradual deployments act on them.
func TestTheLogHoldsOnlyOurOwnLines(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir(cloudtest.Path("functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		t.Run(folder.Name(), func(t *testing.T) {
			t.Parallel()
			logicalID := logicalIDOf(folder.Name())
			stack := lambdatest.NewStack(t, nil)
			f := lambdatest.Start(t, deployedBinary(t, physicalID(t, logicalID)), stack.Variables(logicalID, nil))
			var sample any
			if err := json.Unmarshal(cloudtest.Event(t, folder.Name()+".json"), &sample); err != nil {
				t.Fatal(err)
			}
			sent := 0
			for _, payload := range slices.Concat(hostileEvents(t, sample), malformedEvents()) {
				f.Try(payload) // a refused event is an error for whoever invokes the function
				sent++
			}
			f.Try(cloudtest.Event(t, folder.Name()+".json"))
			onlyOwnLines(t, f.Logged())
			if _, isEvent := sample.(map[string]any)["rawPath"]; isEvent && strings.Contains(f.Logged(), `"level":"ERROR"`) {
				t.Error("a stranger's request makes a line of level ERROR, which takes a gradual deployment back")
			}
			if sent < 50 {
				t.Errorf("only %d events were sent", sent)
			}
		})
	}
}

// logicalIDOf returns the resource of a function's folder: CreateWebhookFunction of
// create-webhook.
func logicalIDOf(folder string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(folder, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String() + "Function"
}

// hostileEvents returns a copy of the sample for each text in it and each hostile
// text, with the one replaced by the other, and copies with hostile names.
func hostileEvents(t testing.TB, sample any) [][]byte {
	t.Helper()
	var list [][]byte
	add := func() {
		text, err := json.Marshal(sample)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	replaceEach(sample, func(set func(any), old any) {
		for i, text := range hostileTexts {
			// Every text in one place would be thousands of events. Each place gets
			// two of them, and all places together get all.
			if (len(list)+i)%(len(hostileTexts)/2) == 0 {
				set(text)
				add()
			}
		}
		for _, kind := range []any{nil, 1e300, []any{token}, map[string]any{token: forged}} {
			if len(list)%3 == 0 {
				set(kind)
			}
		}
		add()
		set(old)
	})
	return list
}

// ofAWS names what API Gateway, our authorizer and SQS put into an event: nobody else
// can choose it, and logs show some of it.
var ofAWS = []string{"authorizer", "sourceIp", "routeKey", "messageId"}

// replaceEach calls replace for each text in value, at any depth, with a function that
// sets it. It also replaces the whole of each object and array by something else.
func replaceEach(value any, replace func(set func(any), old any)) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if slices.Contains(ofAWS, name) {
				continue
			}
			old := value[name]
			replaceEach(old, replace)
			replace(func(v any) { value[name] = v }, old)
		}
		for _, text := range hostileTexts {
			value[text] = text
		}
		replace(func(any) {}, nil)
		for _, text := range hostileTexts {
			delete(value, text)
		}
	case []any:
		for i, old := range value {
			replaceEach(old, replace)
			replace(func(v any) { value[i] = v }, old)
		}
	}
}

// malformedEvents returns payloads that are not an event at all.
func malformedEvents() [][]byte {
	list := []string{
		"", "null", "true", "1", "{", "[", "[]", "{}", `"`, "\x00", "\xff\xfe", strings.Repeat("[", 100_000), `{"Records":[{}]}`, `{"Records":{}}`,
		`{"headers":[1],"rawPath":{}}`, `{"rawPath":5,"headers":"` + token + `"}`, `{"isBase64Encoded":"` + token + `"}`, `{"rawPath":"/","rawPath":"` + token + `"}`,
	}
	for _, text := range hostileTexts {
		quoted, _ := json.Marshal(text) // a string always encodes
		list = append(list, text, string(quoted), `{"`+text, `{"body":`+string(quoted)+`,"isBase64Encoded":true}`, `{"rawPath":`+string(quoted)+`}`+text)
	}
	payloads := make([][]byte, 0, len(list))
	for _, text := range list {
		payloads = append(payloads, []byte(text))
	}
	return payloads
}

// onlyOwnLines fails the test if output has a line that is not ours, or a token.
func onlyOwnLines(t *testing.T, output string) {
	t.Helper()
	shown := 0
	for line := range strings.Lines(output) {
		if problem := lineProblem(line); problem != "" && shown < 5 {
			shown++
			t.Errorf("a line of the output %s: %.400q", problem, line)
		}
	}
}

// lineProblem says why a line cannot be ours, or "".
func lineProblem(line string) string {
	var own struct {
		Level   string
		Message string
		Msg     string
		Metrics json.RawMessage `json:"_aws"`
	}
	switch err := json.Unmarshal([]byte(line), &own); {
	case err != nil:
		return fmt.Sprintf("is not JSON (%v)", err)
	case own.Metrics == nil && (own.Level == "" || own.Message == ""):
		return "has no level or no message"
	case strings.HasPrefix(own.Message+own.Msg, "forged"):
		return "is the caller's"
	case strings.Contains(line, token[:len("whk_")+17]) && strings.Contains(line, token[len(token)-20:]), strings.Contains(line, jwt):
		return "holds a token"
	}
	return ""
}
