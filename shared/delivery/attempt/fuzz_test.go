package attempt

import (
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "86401", "-5", "99999999999999999999", "Fri, 02 Jan 2026 03:04:06 GMT", "Friday, 02-Jan-26 03:04:06 GMT", "Fri Jan  2 03:04:06 2026"} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, now); got < 0 || got > MaxRetryAfter {
			t.Errorf("retryAfter(%q) = %v, want 0 to %v", value, got, MaxRetryAfter)
		}
	})
}

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("环境 <&> 😀\xff\ufffe"), 7)
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		limit = limit&1023 + 1
		got, more := excerpt(body, limit)
		if !utf8.ValidString(got) || len(got) > limit || !more && len(got) < len(body) && utf8.Valid(body) {
			t.Errorf("excerpt(%q, %d) = %q, %v", body, limit, got, more)
		}
	})
}
