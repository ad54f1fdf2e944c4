package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tested is the data of the test route.
type tested struct {
	StatusCode   int    `json:"status_code"`
	ResponseTime int64  `json:"response_time"`
	Error        string `json:"error"`
}

func TestTestRouteRespondsAsDocumented(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "alert.resolved")
	c.update(made.ID, `{"enabled":false}`) // the test route also works for a disabled webhook

	answer := c.call("POST", path(made.ID, "/test"), "")
	took := dataOf[tested](t, answer, http.StatusOK).ResponseTime
	answer.is(t, http.StatusOK, fmt.Sprintf(`{
		"code": 0, "message": "测试请求已发送", "data": {"status_code": 200, "response_time": %d}}`, took))

	got := r.next(t)
	got.verify(t, made.Secret)
	if !strings.HasPrefix(got.ID(), "evt_") || !strings.HasPrefix(got.Body, `{"type":"webhook.test","timestamp":"`) {
		t.Errorf("the receiver got %s %s", got.ID(), got.Body)
	}
	log := c.waitForLogs(made.ID, 1)[0]
	want := logItem{LogID: 1, EventType: "webhook.test", StatusCode: 200, ResponseBody: "OK", CreatedAt: log.CreatedAt,
		EventID: got.ID(), Attempt: 1, Outcome: "delivered", ResponseTime: took}
	if log != want {
		t.Errorf("log = %+v, want %+v", log, want)
	}
}

// TestTestRouteReportsTheReceiversStatus: with every status the route succeeds, and no
// retry follows.
func TestTestRouteReportsTheReceiversStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{204, 302, 404, 410, 500} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), newReceiver(t, statuses(status))
			made := c.webhook(r.URL, "alert.resolved")
			got := dataOf[tested](t, c.call("POST", path(made.ID, "/test"), ""), http.StatusOK)
			if got.StatusCode != status || got.Error != "" {
				t.Errorf("response = %+v, want the status code %d", got, status)
			}
			want := "failed"
			if status == 204 {
				want = "delivered"
			}
			if log := c.waitForLogs(made.ID, 1)[0]; log.Outcome != want || log.StatusCode != status || log.NextAttemptAt != "" {
				t.Errorf("log = %+v, want outcome %s", log, want)
			}
			if shown := c.call("GET", path(made.ID), ""); !strings.Contains(shown.Body, `"enabled":true`) {
				t.Errorf("the webhook is %s, want it still enabled", shown.Body)
			}
		})
	}
}

func TestTestRouteReportsAnUnreachableReceiver(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, language, want string }{
		{"in Chinese", "zh-CN", "无法连接到接收方"},
		{"in English", "en", "No connection to the receiver could be made"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), unstarted()
			down(t, r)
			made := c.webhook(r.URL, "alert.resolved")
			answer := c.call("POST", path(made.ID, "/test"), "", "Accept-Language", test.language)
			took := dataOf[tested](t, answer, http.StatusOK).ResponseTime
			answer.is(t, http.StatusOK, fmt.Sprintf(`{
				"code": 0, "message": "测试请求已发送", "data": {"status_code": 0, "response_time": %d, "error": %q}}`, took, test.want))
		})
	}
}

func TestTestRouteIsThrottled(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made, beside := c.webhook(r.URL, "alert.resolved"), c.webhook(r.URL, "alert.resolved")
	first := time.Now()
	dataOf[tested](t, c.call("POST", path(made.ID, "/test"), ""), http.StatusOK)

	// Another webhook has its own limit.
	dataOf[tested](t, c.call("POST", path(beside.ID, "/test"), ""), http.StatusOK)
	second := c.call("POST", path(made.ID, "/test"), "")
	if time.Since(first) > 4*time.Second {
		t.Fatal("the machine is too busy: the second test began after the limit")
	}
	wait, err := strconv.Atoi(second.Header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 5 {
		t.Fatalf("response %d with Retry-After %q, want 1 to 5: %s", second.Status, second.Header.Get("Retry-After"), second.Body)
	}
	second.is(t, http.StatusTooManyRequests, fmt.Sprintf(`{"code": 42901, "message": "测试过于频繁，请 %d 秒后重试"}`, wait))
	if n := len(r.requests); n != 2 {
		t.Errorf("the receiver got %d requests, want 2", n)
	}

	// A request after the advised wait is accepted.
	<-time.After(time.Duration(wait) * time.Second)
	dataOf[tested](t, c.call("POST", path(made.ID, "/test"), ""), http.StatusOK)
}
