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

// errStatus is the Err of a response whose status no HTTP response can have.
var errStatus = errors.New("final response with a status below 200")

// read makes a Result of a response whose header is complete.
func (s *Sender) read(caller context.Context, response *http.Response) Result {
	// Below 200 nothing is final (RFC 9110 §15.2) but 101, which we did not ask for
	// and whose body would be the bare connection.
	if response.StatusCode < 200 {
		return Result{Failure: FailureProtocol, Err: errStatus}
	}
	result := Result{StatusCode: response.StatusCode}
	if result.StatusCode == http.StatusTooManyRequests || result.StatusCode == http.StatusServiceUnavailable {
		result.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}

	// A few bytes more than are kept show whether the character at the limit is whole.
	head, err := io.ReadAll(io.LimitReader(response.Body, int64(s.cfg.BodyLimit+utf8.UTFMax)))
	var rest int64
	if err == nil {
		// To the end of the body, if it is near: then the connection serves the next
		// delivery too.
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

// excerpt returns the beginning of body as valid UTF-8 in at most limit bytes, and
// whether body goes on after it. U+FFFE and U+FFFF are replaced too: a log may
// have to wait in a queue, and SQS refuses a message that holds them
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
func excerpt(body []byte, limit int) (string, bool) {
	text := strings.ToValidUTF8(string(body), string(utf8.RuneError))
	text = strings.NewReplacer("\uFFFE", "\uFFFD", "\uFFFF", "\uFFFD").Replace(text)
	if len(text) <= limit {
		return text, false
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], true
}

// retryAfter reads the value of a Retry-After header: seconds or an HTTP date
// (RFC 9110 §10.2.3). It is 0 for what is neither or lies in the past, and at most
// MaxRetryAfter.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter // digits that do not fit are many seconds
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), MaxRetryAfter)
}
