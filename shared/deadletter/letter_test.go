package deadletter_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/deadletter"
)

// limit is the largest size of a message of SQS, in bytes:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const limit = 1 << 20

var (
	sentAt  = time.UnixMilli(1769421600007)
	subject = deadletter.Subject{TenantID: "acme", EventID: "e1", EventType: "alert.resolved"}
)

func newLetter(body string) deadletter.Letter {
	return deadletter.Letter{
		Refusal: deadletter.Refusal{Reason: deadletter.NotJSON, Detail: "it is no JSON"}, Subject: subject,
		MessageID: "059f36b4-87a3-44ab-83d2-661975830a7d", Body: body, SentAt: sentAt,
	}
}

func TestEncodeNamesEverything(t *testing.T) {
	t.Parallel()
	body, got := newLetter("hello").Encode(limit)
	want := map[string]string{
		"reason": "not_json", "detail": "it is no JSON", "tenant_id": "acme", "event_id": "e1", "event_type": "alert.resolved",
		"message_id": "059f36b4-87a3-44ab-83d2-661975830a7d", "sent_at": "1769421600007",
	}
	if diff := cmp.Diff(want, got); diff != "" || body != "hello" {
		t.Errorf("body = %q, attributes (-want +got):\n%s", body, diff)
	}
	if _, got := (deadletter.Letter{Refusal: deadletter.Refusal{Reason: deadletter.NotJSON}, Body: "x"}).Encode(limit); len(got) != 1 {
		t.Errorf("attributes = %v, want only the reason: SQS refuses an empty value", got)
	}
}

// Whatever a producer sent, the letter is a message that SQS takes, and it says what
// is not as it was.
func TestEncodeMakesAMessageThatSQSTakes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, detail string }{
		"a short body":                         {body: "hello"},
		"1 MiB":                                {body: strings.Repeat("x", limit)},
		"a byte less than 1 MiB":               {body: strings.Repeat("x", limit-1)},
		"no room for the reason":               {body: strings.Repeat("x", limit-10)},
		"room for the reason, not for altered": {body: strings.Repeat("x", limit-400)},
		"1 MiB of characters of 2 bytes":       {body: "x" + strings.Repeat("é", limit/2-1)},
		"1 MiB of characters of 3 bytes":       {body: strings.Repeat("好", limit/3)},
		"1 MiB of characters of 4 bytes":       {body: strings.Repeat("😀", limit/4)},
		"1 MiB of refused characters":          {body: strings.Repeat("\ufffe", limit/3)},
		"1 MiB of control characters":          {body: strings.Repeat("\x01", limit)},
		"invalid UTF-8":                        {body: "\xff\xfe\xc3"},
		"no body":                              {body: ""},
		"more than SQS can send":               {body: strings.Repeat("x", 6<<20)},
		"a detail of 1 MiB":                    {body: "hello", detail: strings.Repeat("好", limit)},
		"a detail and a body of 1 MiB":         {body: strings.Repeat("x", limit), detail: strings.Repeat("\x00", limit)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, reason := range reasons(t) {
				l := newLetter(tt.body)
				l.Reason = deadletter.Reason(reason)
				if tt.detail != "" {
					l.Detail = tt.detail
				}
				checkLetter(t, l)
			}
		})
	}
}

// checkLetter checks that SQS takes l, and that altered says whether the body is not
// that of the message.
func checkLetter(t *testing.T, l deadletter.Letter) {
	t.Helper()
	body, attributes := l.Encode(limit)
	size := len(body)
	for name, value := range attributes {
		size += len(name) + len("String") + len(value)
		if value == "" || !accepted(value) {
			t.Errorf("SQS refuses the attribute %s: %.100q", name, value)
		}
	}
	if size > limit || len(attributes) > 10 {
		t.Errorf("the letter has %d bytes and %d attributes", size, len(attributes))
	}
	if body == "" || !accepted(body) {
		t.Errorf("SQS refuses the body %.100q", body)
	}
	altered, is := attributes["altered"]
	if is != (body != l.Body) || is && altered == "" {
		t.Errorf("altered = %q for a body of %d bytes from %d", altered, len(body), len(l.Body))
	}
	if is && len(l.Body) > limit/2 && len(body) < limit/2 {
		t.Errorf("only %d bytes of %d are left", len(body), len(l.Body))
	}
	if attributes["reason"] != string(l.Reason) {
		t.Errorf("reason = %q, want %q", attributes["reason"], l.Reason)
	}
}

// accepted reports whether SQS takes s:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func accepted(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r != 0x9 && r != 0xA && r != 0xD && (r < 0x20 || 0xD7FF < r && r < 0xE000 || r == 0xFFFE || r == 0xFFFF)
	}) < 0
}

func FuzzEncode(f *testing.F) {
	f.Add("hello", "it is no JSON", "acme", 0)
	f.Add("\ufffe", "\x00", "\xff", 1<<20)
	f.Fuzz(func(t *testing.T, body, detail, text string, repeat int) {
		if n := len(body); n > 0 && repeat > 0 {
			body = strings.Repeat(body, min(repeat, 2*limit/n)+1)
		}
		l := newLetter(body)
		l.Detail, l.Subject = detail, deadletter.SubjectOf(`{"tenant_id":"`+text+`"}`)
		checkLetter(t, l)
	})
}
