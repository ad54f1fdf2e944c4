package signature_test

import (
	"bufio"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook/signature"
)

// Receivers test their code with the example of the guide, so it must verify.
func TestTheGuidesExampleVerifies(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(cloudtest.Path(".docs", "receiving.md"))
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)\n```\n(POST /webhook .*?)\n```\n.*?secret `([^`]+)`").FindStringSubmatch(string(page))
	if example == nil {
		t.Fatal("receiving.md shows no delivery with its secret")
	}
	// The example has no Content-Length, so the body is parsed separately.
	head, body, _ := strings.Cut(example[1], "\n\n")
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\nhost: your-server.com\n\n")))
	if err != nil {
		t.Fatalf("%v of:\n%s", err, head)
	}
	id := request.Header.Get("webhook-id")
	seconds, err := strconv.ParseInt(request.Header.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	want := signature.Sign([]signature.Key{mustParse(t, example[2])}, id, time.Unix(seconds, 0), []byte(body))
	if got := request.Header.Get("webhook-signature"); got != want {
		t.Errorf("webhook-signature: %s\nwant %s", got, want)
	}
	if err := verifier(t, example[2]).VerifyIgnoringTimestamp([]byte(body), request.Header); err != nil {
		t.Errorf("the library refuses the example: %v", err)
	}
}
