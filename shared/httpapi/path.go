package httpapi

import (
	"net/http"
	"strconv"

	"webhooks/shared/apperr"
)

// WebhookID returns the path's {webhook_id}. The error is InvalidWebhookID unless
// it is a positive int64 in canonical form.
func WebhookID(r *http.Request) (int64, error) {
	id, ok := pathID(r, "webhook_id")
	if !ok {
		return 0, apperr.New(apperr.InvalidWebhookID)
	}
	return id, nil
}

// LogID returns the path's {log_id}. The error is InvalidLogID unless it is a
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
