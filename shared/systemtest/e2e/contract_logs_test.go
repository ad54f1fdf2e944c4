package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogsRespondAsDocumented(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")

	c.call("GET", path(made.ID, "/logs"), "").is(t, http.StatusOK, `{
		"code": 0, "message": "success", "data": {
			"items": [], "pagination": {"page": 1, "page_size": 20, "total": 0, "total_pages": 0}}}`)

	publish(t, c.event("evt-1", `{}`))
	took := c.waitForLogs(made.ID, 1)[0].ResponseTime
	c.call("GET", path(made.ID, "/logs"), "").is(t, http.StatusOK, fmt.Sprintf(`{
		"code": 0, "message": "success", "data": {
			"items": [{
				"log_id": 1, "event_type": "environment.created", "status_code": 200, "response_body": "OK", "created_at": "TIME",
				"event_id": "evt-1", "attempt": 1, "outcome": "delivered", "response_time": %d, "truncated": false}],
			"pagination": {"page": 1, "page_size": 20, "total": 1, "total_pages": 1}}}`, took))
}

// TestLogsComeInPages checks that pages of every size show each log once, the newest
// first.
func TestLogsComeInPages(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	const total = 7
	var events []string
	for i := range total {
		events = append(events, c.event("evt-"+strconv.Itoa(i), `{}`))
	}
	publish(t, events...)
	c.waitForLogs(made.ID, total)

	tests := []struct {
		query string
		ids   []int64
		want  pagination
	}{
		{"", []int64{7, 6, 5, 4, 3, 2, 1}, pagination{1, 20, total, 1}},
		{"?page=1&page_size=3", []int64{7, 6, 5}, pagination{1, 3, total, 3}},
		{"?page=2&page_size=3", []int64{4, 3, 2}, pagination{2, 3, total, 3}},
		{"?page=3&page_size=3", []int64{1}, pagination{3, 3, total, 3}},
		{"?page=4&page_size=3", nil, pagination{4, 3, total, 3}},
		{"?page=10000&page_size=1", nil, pagination{10000, 1, total, 7}},
		{"?page=7&page_size=1", []int64{1}, pagination{7, 1, total, 7}},
		{"?page_size=7", []int64{7, 6, 5, 4, 3, 2, 1}, pagination{1, 7, total, 1}},
		{"?page_size=100", []int64{7, 6, 5, 4, 3, 2, 1}, pagination{1, 100, total, 1}},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			page := c.with(t, c.key).logs(made.ID, test.query)
			var ids []int64
			for _, item := range page.Items {
				ids = append(ids, item.LogID)
			}
			if diff := cmp.Diff(test.ids, ids); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, page.Pagination); diff != "" {
				t.Errorf("pagination (-want +got):\n%s", diff)
			}
		})
	}
}
