package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
)

// WebhookID returns the path's {webhook_id}, or the error InvalidWebhookID unless it
// is a positive int64 in canonical form.
func WebhookID(r *http.Request) (int64, error) {
	id, ok := pathID(r, "webhook_id")
	if !ok {
		return 0, apperr.New(apperr.InvalidWebhookID)
	}
	return id, nil
}

// LogID returns the path's {log_id}, or the error InvalidLogID unless it is a
// positive int64 in canonical form.
func LogID(r *http.Request) (int64, error) {
	id, ok := pathID(r, "log_id")
	if !ok {
		return 0, apperr.New(apperr.InvalidLogID)
	}
	return id, nil
}

// pathID returns the id in the path segment {name}, and false unless it is a
// positive int64 in canonical form.
func pathID(r *http.Request, name string) (int64, bool) {
	text := r.PathValue(name)
	if sent, given := eventOf(r).PathParameters[name]; given && !sameSegment(sent, text) {
		return 0, false
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0, false
	}
	return id, true
}

// sameSegment reports whether a path parameter of the gateway is the segment of the
// decoded path. API Gateway ends rawPath at a decoded question mark, so that
// "/webhooks/1%3Fx" would be webhook 1; the parameter shows what the client sent,
// escaped or not.
func sameSegment(parameter, segment string) bool {
	if parameter == segment {
		return true
	}
	decoded, err := url.PathUnescape(parameter)
	return err == nil && decoded == segment
}

// checkQuery refuses a query string that cannot be parsed (UnreadableQuery), and
// every parameter that the route does not have or that is given twice
// (InvalidFields): a client that misspells a parameter must not get the answer to
// another question.
func (route Route) checkQuery(r *http.Request) error {
	if route.answersAnyPath() {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return apperr.Wrap(err, apperr.UnreadableQuery)
	}
	var refused []apperr.Field
	for name, values := range query {
		switch {
		case !slices.Contains(route.Query, name):
			refused = append(refused, apperr.Field{Name: name, Problem: apperr.UnknownParameter})
		case len(values) > 1:
			refused = append(refused, apperr.Field{Name: name, Problem: apperr.GivenTwice})
		}
	}
	slices.SortFunc(refused, func(a, b apperr.Field) int { return strings.Compare(a.Name, b.Name) })
	return apperr.Refuse(refused)
}

// ReadBody returns the body of r. The error is BodyTooLarge if the body exceeds the
// route's MaxBody, UnsupportedCoding if it is compressed, and InvalidJSON if the
// gateway has changed it, because it was not UTF-8.
func ReadBody(r *http.Request) ([]byte, error) {
	if coding := contentCoding(r.Header); coding != "" {
		return nil, apperr.New(apperr.UnsupportedCoding, coding)
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, apperr.New(apperr.BodyTooLarge, tooLarge.Limit)
	case err != nil: // the body is in memory, so that only its base64 can be wrong
		return nil, apperr.Wrap(err, apperr.InvalidJSON, "invalid base64")
	}
	if !unchanged(r.Header, len(body)) {
		return nil, apperr.New(apperr.InvalidJSON, "invalid UTF-8 (the length differs from Content-Length)")
	}
	return body, nil
}

// contentCoding returns the first content coding of the body (RFC 9110 §8.4) that
// changes it, or "".
func contentCoding(h http.Header) string {
	for _, list := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(list, ",") {
			coding = strings.TrimSpace(coding)
			if coding != "" && !strings.EqualFold(coding, "identity") {
				return coding
			}
		}
	}
	return ""
}

// unchanged reports whether a body of length bytes is the one that the client sent.
// API Gateway hands on a body with a JSON content type as text, in which it has
// replaced invalid UTF-8 by U+FFFD. The replacement has three bytes, so that the
// length differs from the header Content-Length. Two cases stay unseen: a body
// without that header, which was sent in chunks, and one in which only characters of
// four bytes were cut after the third.
func unchanged(h http.Header, length int) bool {
	sent, err := strconv.Atoi(h.Get("Content-Length"))
	return err != nil || sent == length
}

// LocaleOf returns the language for the caller of r.
func LocaleOf(r *http.Request) locale.Locale {
	return locale.Negotiate(r.Header.Get("Accept-Language"))
}
