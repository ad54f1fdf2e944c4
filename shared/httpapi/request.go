package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
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
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0, false
	}
	return id, true
}

// ReadBody returns the body of r. The error is BodyTooLarge if the body exceeds the
// route's MaxBody.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, apperr.New(apperr.BodyTooLarge, tooLarge.Limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	return body, nil
}

// LocaleOf returns the language for the caller of r.
func LocaleOf(r *http.Request) locale.Locale {
	// api-proxy splits the header at its commas; the join restores it.
	return locale.Negotiate(strings.Join(r.Header.Values("Accept-Language"), ","))
}
