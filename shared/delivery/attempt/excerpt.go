package attempt

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// noncharacters replaces U+FFFE and U+FFFF. A log may be queued, and SQS refuses a
// message that contains them
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
var noncharacters = strings.NewReplacer("\uFFFE", "\uFFFD", "\uFFFF", "\uFFFD")

// excerpt returns the beginning of a body that begins with head, at most limit bytes of
// valid UTF-8, and whether it is not all of head. Each run of bytes that are not UTF-8
// becomes one U+FFFD. If more of the body may follow, a character at the end of head
// that is not complete is left out: it was cut by us or by the end of the connection.
func excerpt(head []byte, limit int, more bool) (string, bool) {
	cut := false
	if more {
		whole := withoutPartialRune(head)
		cut, head = len(whole) < len(head), whole
	}
	text := strings.ToValidUTF8(string(head), string(utf8.RuneError))
	text = noncharacters.Replace(text)
	if len(text) <= limit {
		return text, cut
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], true
}

// withoutPartialRune returns text without the beginning of a character at its end.
func withoutPartialRune(text []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return text[:len(text)-n]
			}
			break
		}
	}
	return text
}

// retryAfter parses a Retry-After header: seconds or an HTTP date (RFC 9110 §10.2.3).
// It returns at most MaxRetryAfter, and 0 for an invalid value or a date in the past.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter // too many seconds, also for an int64
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), MaxRetryAfter)
}
