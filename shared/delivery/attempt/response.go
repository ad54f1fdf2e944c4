package attempt

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// errStatus is the Err of a final response with an invalid status.
var errStatus = errors.New("final response with a status below 200")

// read returns the Result of a response whose header is complete.
func (s *Sender) read(caller context.Context, response *http.Response) Result {
	// A status below 200 is not final (RFC 9110 §15.2), except 101, which was not
	// requested and whose body would be the raw connection.
	if response.StatusCode < 200 {
		return Result{Failure: FailureProtocol, Err: errStatus}
	}
	result := Result{StatusCode: response.StatusCode}
	if result.StatusCode == http.StatusTooManyRequests || result.StatusCode == http.StatusServiceUnavailable {
		result.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}

	// UTFMax bytes beyond the limit show whether the character at the limit is complete.
	head, err := io.ReadAll(io.LimitReader(response.Body, int64(s.cfg.BodyLimit+utf8.UTFMax)))
	var rest int64
	if err == nil {
		// After a body that was read to its end, the connection can be reused.
		rest, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxReadBytes-int64(len(head))))
	}
	result.ResponseBody, result.Truncated = excerpt(head, s.cfg.BodyLimit)
	result.Truncated = result.Truncated || rest > 0 || err != nil
	if err != nil {
		result.BodyFailure = failureOf(caller, err, true)
		result.Err = forLog(err, result.BodyFailure)
	}
	return result
}

// noncharacters replaces U+FFFE and U+FFFF. A log may be queued, and SQS refuses a
// message that contains them
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
var noncharacters = strings.NewReplacer("\uFFFE", "\uFFFD", "\uFFFF", "\uFFFD")

// excerpt returns the beginning of body, at most limit bytes of valid UTF-8, and
// whether it is not all of body.
func excerpt(body []byte, limit int) (string, bool) {
	text := strings.ToValidUTF8(string(body), string(utf8.RuneError))
	text = noncharacters.Replace(text)
	if len(text) <= limit {
		return text, false
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], true
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
