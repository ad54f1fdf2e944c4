package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const eventsPath = "/api/v1/events"

// TestEventOverHTTPIsExact: the receiver gets the bytes of the producer's data.
func TestEventOverHTTPIsExact(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	body := `{"id":"evt-1","type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":` + exactData + `}`
	c.call("POST", eventsPath, body).is(t, http.StatusAccepted, `{"code": 0, "message": "事件已接收", "data": {"id": "evt-1"}}`)

	got := r.next(t)
	got.verify(t, made.Secret)
	want := `{"type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":` + exactData + `}`
	if diff := cmp.Diff(want, got.Body); diff != "" || got.ID() != "evt-1" {
		t.Errorf("%s (-want +got):\n%s", got.ID(), diff)
	}
}

// TestEventOverHTTPBelongsToTheKeysTenant: no tenant can publish for another.
func TestEventOverHTTPBelongsToTheKeysTenant(t *testing.T) {
	t.Parallel()
	c, victim, r := setup(t), setup(t), newReceiver(t, ok)
	victim.webhook(r.URL, "environment.created")

	body := fmt.Sprintf(`{"id":"evt-1","type":"environment.created","tenant_id":%q,"data":1}`, victim.id)
	if got := c.call("POST", eventsPath, body).refused(t); got.Status != http.StatusBadRequest || !cmp.Equal(got.Fields, []string{"tenant_id"}) {
		t.Errorf("response = %+v, want tenant_id refused", got)
	}
	c.call("POST", eventsPath, `{"id":"evt-1","type":"environment.created","data":1}`)

	// An event that got through would arrive before the victim's own event.
	victim.call("POST", eventsPath, `{"id":"evt-2","type":"environment.created","data":2}`)
	if got := r.next(t); got.ID() != "evt-2" {
		t.Errorf("the receiver got %s %s of another tenant", got.ID(), got.Body)
	}
	victim.waitForLogs(1, 1)
	r.gotNothing(t)
}

func TestEventOverHTTPIsDeduplicatedByID(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	event := func(data string) string { return `{"id":"evt-1","type":"environment.created","data":` + data + `}` }
	c.call("POST", eventsPath, event(`{"n":1}`))
	c.waitForLogs(made.ID, 1)
	// An event is stored after its deliveries are queued.
	eventually(t, func() string {
		if got := c.call("POST", eventsPath, event(`{"n":2}`)); got.Status != http.StatusConflict {
			return fmt.Sprintf("another event with the same id got %d, want 409: %s", got.Status, got.Body)
		}
		return ""
	})
	if got := c.call("POST", eventsPath, event(`{"n":2}`)).refused(t); got.Code != 40903 || !strings.Contains(got.Message, "evt-1") {
		t.Errorf("response = %+v, want the conflict 40903 that names the id", got)
	}
	c.call("POST", eventsPath, event(`{"n":1}`)).is(t, http.StatusAccepted, `{"code": 0, "message": "事件已接收", "data": {"id": "evt-1"}}`)
	c.waitForLogs(made.ID, 1)
	r.next(t)
	r.gotNothing(t)
}

func TestBatchOverHTTPAcceptsTheValidEvents(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	c.webhook(r.URL, "environment.created")
	batch := `{"events":[
		{"id":"evt-1","type":"environment.created","data":1},
		{"id":"evt-2","type":"environment.destroyed"},
		{"id":"evt-3","type":"environment.created","data":3}]}`
	c.call("POST", eventsPath, batch).is(t, http.StatusAccepted, `{
		"code": 0, "message": "事件已接收", "data": {"accepted": 2, "items": [
			{"id": "evt-1"},
			{"id": "evt-2", "error": {"code": 40002, "message": "请求参数不正确，详见 errors", "data": {"errors": [
				{"field": "type", "message": "不支持的事件类型：environment.destroyed"}, {"field": "data", "message": "必填"}]}}},
			{"id": "evt-3"}]}}`)
	got := []string{r.next(t).ID(), r.next(t).ID()}
	if !cmp.Equal(got, []string{"evt-1", "evt-3"}) && !cmp.Equal(got, []string{"evt-3", "evt-1"}) {
		t.Errorf("the receiver got %v, want evt-1 and evt-3", got)
	}
}

func TestBadEventsOverHTTPAreRefused(t *testing.T) {
	t.Parallel()
	const created = `"type":"environment.created"`
	refuses(t, "POST", eventsPath, []refusedCase{
		badJSON("no body", ""),
		badJSON("not JSON", "type=environment.created"),
		badJSON("member twice", `{`+created+`,`+created+`,"data":1}`),
		badField("nothing", `{}`, "type", "data"),
		badField("test event", `{"type":"webhook.test","data":1}`, "type"),
		badField("everything wrong", `{"id":"a.b","type":"x","timestamp":"today","Data":1}`, "id", "type", "timestamp", "data", "Data"),
		badField("deep data", `{`+created+`,"data":`+strings.Repeat("[", 9999)+strings.Repeat("]", 9999)+`}`, "data"),
		badField("time with one digit of the hour", `{`+created+`,"data":1,"timestamp":"2026-01-26T9:00:00Z"}`, "timestamp"),
		badField("no events", `{"events":[]}`, "events"),
		badField("101 events", `{"events":[1`+strings.Repeat(",1", 100)+`]}`, "events"),
		{"data too large", `{` + created + `,"data":"` + strings.Repeat("x", 256<<10) + `"}`, http.StatusRequestEntityTooLarge, 41302, nil},
		{"body too large", strings.Repeat(" ", 1<<20+1), http.StatusRequestEntityTooLarge, 41301, nil},
	})
}
