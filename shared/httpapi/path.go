package httpapi

import (
	"net/http"
	"strconv"

	"webhooks/shared/apperr"
)

// WebhookID returns the path's {webhook_id}, or an InvalidWebhookID error when
// it is not a positive integer in its canonical form.
func WebhookID(r *http.Request) (int64, error) {
	return pathID(r, "webhook_id", apperr.InvalidWebhookID)
}

// LogID returns the path's {log_id}, or an InvalidLogID error when it is not a
// positive integer in its canonical form.
func LogID(r *http.Request) (int64, error) {
	return pathID(r, "log_id", apperr.InvalidLogID)
}

func pathID(r *http.Request, name string, invalid apperr.Reason) (int64, error) {
	text := r.PathValue(name)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0, apperr.New(invalid)
	}
	return id, nil
}
