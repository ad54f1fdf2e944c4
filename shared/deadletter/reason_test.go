package deadletter_test

import (
	_ "embed"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

//go:embed reasons.json
var reasonsJSON []byte

// foreign are the reasons of messages that SQS and EventBridge move themselves.
// The operator's tool derives them, because such messages have no reason.
var foreign = []string{"received_too_often", "not_sent_by_the_bus"}

// TestReasonsAreExplained checks that reasons.json explains the constants and the
// foreign reasons, and no others.
func TestReasonsAreExplained(t *testing.T) {
	t.Parallel()
	var list []struct {
		Reason   string `json:"reason"`
		Happened string `json:"happened"`
		Do       string `json:"do"`
	}
	if err := json.Unmarshal(reasonsJSON, &list, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, r := range list {
		explained = append(explained, r.Reason)
		for _, text := range []string{r.Happened, r.Do} {
			if !strings.Contains(text, " ") || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is not a sentence", r.Reason, text)
			}
		}
	}
	want := append(reasons(t), foreign...)
	slices.Sort(want)
	slices.Sort(explained)
	if diff := cmp.Diff(want, explained); diff != "" {
		t.Errorf("reasons (-constants +reasons.json):\n%s", diff)
	}
}

// reasons returns the values of the constants in reason.go.
func reasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	return values
}
