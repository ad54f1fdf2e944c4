package e2e_test

import (
	"fmt"
	"net/http"
)

// logPage is a page of logs in an API response.
type logPage struct {
	Items      []logItem  `json:"items"`
	Pagination pagination `json:"pagination"`
}

type pagination struct {
	Page       int `json:"page"`
	PageSize   int `json:"page_size"`
	Total      int `json:"total"`
	TotalPages int `json:"total_pages"`
}

type logItem struct {
	LogID         int64  `json:"log_id"`
	EventType     string `json:"event_type"`
	StatusCode    int    `json:"status_code"`
	ResponseBody  string `json:"response_body"`
	CreatedAt     string `json:"created_at"`
	EventID       string `json:"event_id"`
	Attempt       int    `json:"attempt"`
	Outcome       string `json:"outcome"`
	ResponseTime  int64  `json:"response_time"`
	Error         string `json:"error"`
	Truncated     bool   `json:"truncated"`
	NextAttemptAt string `json:"next_attempt_at"`
}

// logs returns a page of a webhook's logs.
func (c *tenant) logs(id int64, query string) logPage {
	c.t.Helper()
	return dataOf[logPage](c.t, c.call("GET", path(id, "/logs", query), ""), http.StatusOK)
}

// waitForLogs waits until a webhook has n logs and returns them, the newest first.
func (c *tenant) waitForLogs(id int64, n int) []logItem {
	c.t.Helper()
	var page logPage
	eventually(c.t, func() string {
		page = c.logs(id, "?page_size=100")
		if len(page.Items) < n {
			return fmt.Sprintf("webhook %d has the logs %+v, want %d", id, page.Items, n)
		}
		return ""
	})
	if len(page.Items) != n {
		c.t.Fatalf("webhook %d has the logs %+v, want %d", id, page.Items, n)
	}
	return page.Items
}
