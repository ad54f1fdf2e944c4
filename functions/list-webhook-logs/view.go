package main

import (
	"time"

	"webhooks/shared/apperr/locale"
	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
)

// list is the data of the response.
type list struct {
	Items      []item     `json:"items"`
	Pagination pagination `json:"pagination"`
}

type pagination struct {
	Page       int   `json:"page"`
	PageSize   int   `json:"page_size"`
	Total      int64 `json:"total"`
	TotalPages int64 `json:"total_pages"`
}

// item is a log: the five fields of the contract, then our own.
type item struct {
	LogID         int64              `json:"log_id"`
	EventType     event.Type         `json:"event_type"`
	StatusCode    int                `json:"status_code"`
	ResponseBody  string             `json:"response_body"`
	CreatedAt     time.Time          `json:"created_at"`
	EventID       string             `json:"event_id"`
	Attempt       int                `json:"attempt"`
	Outcome       attemptlog.Outcome `json:"outcome"`
	ResponseTime  int64              `json:"response_time"` // milliseconds
	Error         string             `json:"error,omitzero"`
	Truncated     bool               `json:"truncated"`
	NextAttemptAt time.Time          `json:"next_attempt_at,omitzero"`
}

// view returns page as the data of the response, with texts in l.
func view(page attemptlog.Page, l locale.Locale) list {
	items := make([]item, 0, len(page.Logs))
	for _, log := range page.Logs {
		items = append(items, item{
			LogID: log.ID, EventType: log.EventType,
			StatusCode: log.StatusCode, ResponseBody: log.ResponseBody, CreatedAt: seconds(log.CreatedAt),
			EventID: log.EventID, Attempt: log.Attempt, Outcome: log.Outcome,
			ResponseTime: log.ResponseTime.Milliseconds(), Error: attempt.Failure(log.Failure).Text().In(l),
			Truncated: log.Truncated, NextAttemptAt: secondsUp(log.NextAttemptAt),
		})
	}
	return list{items, pagination{page.Number, page.Size, page.Total, page.TotalPages}}
}

// seconds truncates t to whole seconds, the precision of the contract's times.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// secondsUp rounds t up to whole seconds, because no attempt comes before the time that
// is shown. The zero time stays zero.
func secondsUp(t time.Time) time.Time { return seconds(t.Add(time.Second - 1)) }
