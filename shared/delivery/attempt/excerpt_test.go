package attempt

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name  string
		value string
		want  time.Duration
	}{
		{name: "absent", value: "", want: 0},
		{name: "seconds", value: "120", want: 2 * time.Minute},
		{name: "zero", value: "0", want: 0},
		{name: "a day", value: "86400", want: 24 * time.Hour},
		{name: "more than a day", value: "86401", want: 24 * time.Hour},
		{name: "more than an int64", value: strings.Repeat("9", 500), want: 24 * time.Hour},
		{name: "negative", value: "-5", want: 0},
		{name: "signed", value: "+5", want: 0},
		{name: "fraction", value: "1.5", want: 0},
		{name: "digits of another script", value: "１２", want: 0},
		{name: "words", value: "soon", want: 0},
		{name: "date", value: now.Add(time.Hour).Format(http.TimeFormat), want: time.Hour},
		{name: "date of RFC 850", value: "Friday, 02-Jan-26 03:05:05 GMT", want: time.Minute},
		{name: "date of asctime", value: "Fri Jan  2 03:05:05 2026", want: time.Minute},
		{name: "date in the past", value: now.Add(-time.Hour).Format(http.TimeFormat), want: 0},
		{name: "date far away", value: "Fri, 31 Dec 9999 23:59:59 GMT", want: 24 * time.Hour},
		{name: "date in another format", value: now.Add(time.Hour).Format(time.RFC3339), want: 0},
		{name: "two values", value: "5, 10", want: 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := retryAfter(tt.value, now); got != tt.want {
				t.Errorf("retryAfter(%q) = %v, want %v", tt.value, got, tt.want)
			}
		})
	}
}

// An excerpt is valid UTF-8 of at most limit bytes. If the body is valid UTF-8, its
// excerpt is a prefix that ends less than a character before the limit.
func TestExcerptProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		body := rapid.OneOf(rapid.Just([]byte(text)), rapid.SliceOf(rapid.Byte())).Draw(t, "body")
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		got, more := excerpt(body, limit, false)
		if !utf8.ValidString(got) || len(got) > limit {
			t.Fatalf("excerpt(%q, %d) = %q", body, limit, got)
		}
		if !utf8.Valid(body) || strings.ContainsAny(string(body), "\uFFFE\uFFFF") {
			return
		}
		if !strings.HasPrefix(string(body), got) || more != (len(got) < len(body)) {
			t.Errorf("excerpt(%q, %d) = %q, %v", body, limit, got, more)
		}
		if more && len(got) <= limit-utf8.UTFMax {
			t.Errorf("excerpt(%q, %d) = %q, want a longer one", body, limit, got)
		}
	})
}

// Wherever a body of valid UTF-8 is cut, its excerpt has no character that the receiver
// did not send.
func TestExcerptOfACutBodyIsAPrefix(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringOf(rapid.RuneFrom([]rune("aä环😀\x00"))).Draw(t, "body")
		head := []byte(body[:rapid.IntRange(0, len(body)).Draw(t, "cut")])
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		got, cut := excerpt(head, limit, true)
		if !strings.HasPrefix(body, got) || cut != (len(got) < len(head)) {
			t.Errorf("excerpt(%q, %d, true) = %q, %v", head, limit, got, cut)
		}
	})
}
