package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestTenantsAreIsolated: two tenants whose webhooks and events have the same ids
// never see, count or change data of each other.
func TestTenantsAreIsolated(t *testing.T) {
	t.Parallel()
	a, b := setup(t), setup(t)
	receiverA, receiverB := newReceiver(t, ok), newReceiver(t, ok)
	a1, a2 := a.webhook(receiverA.URL, "environment.created"), a.webhook(nobody, "alert.resolved")
	b1 := b.webhook(receiverB.URL, "environment.created")
	if a1.ID != 1 || a2.ID != 2 || b1.ID != 1 {
		t.Fatalf("ids = %d, %d and %d, want 1, 2 and 1: each tenant has its own sequence", a1.ID, a2.ID, b1.ID)
	}

	publish(t, a.event("evt-1", `"of a"`), b.event("evt-1", `"of b"`))
	for _, one := range []struct {
		c      *tenant
		r      *receiver
		made   created
		data   string
		number int
	}{{a, receiverA, a1, `"of a"`, 2}, {b, receiverB, b1, `"of b"`, 1}} {
		got := one.r.next(t)
		if !strings.HasSuffix(got.Body, `"data":`+one.data+`}`) {
			t.Errorf("the receiver got %s, want %s", got.Body, one.data)
		}
		got.verify(t, one.made.Secret)
		if logs := one.c.waitForLogs(one.made.ID, 1); logs[0].EventID != "evt-1" {
			t.Errorf("log = %+v", logs[0])
		}
		list := dataOf[struct{ Items []created }](t, one.c.call("GET", "/api/v1/webhooks", ""), http.StatusOK)
		if len(list.Items) != one.number {
			t.Errorf("the list has %d webhooks, want the %d of the tenant", len(list.Items), one.number)
		}
	}

	for _, route := range []struct{ method, path, body string }{
		{"GET", path(a2.ID), ""},
		{"PUT", path(a2.ID), `{"name":"mine"}`},
		{"DELETE", path(a2.ID), ""},
		{"POST", path(a2.ID, "/secret/rotate"), ""},
		{"POST", path(a2.ID, "/test"), ""},
		{"GET", path(a2.ID, "/logs"), ""},
		{"POST", path(a2.ID, "/logs/1/resend"), ""},
	} {
		b.call(route.method, route.path, route.body).is(t, http.StatusNotFound, `{"code": 40401, "message": "Webhook 不存在"}`)
	}
	b.update(b1.ID, `{"name":"renamed by b"}`)
	b.call("DELETE", path(b1.ID), "").is(t, http.StatusNoContent, "")
	if got := a.call("GET", path(a1.ID), ""); got.Status != http.StatusOK || !strings.Contains(got.Body, `"name":"a test"`) {
		t.Errorf("after b changed and deleted its own webhook, a sees %d: %s", got.Status, got.Body)
	}
	if got := a.call("GET", path(a2.ID), ""); got.Status != http.StatusOK || !strings.Contains(got.Body, `"name":"a test"`) || !strings.Contains(got.Body, a2.Secret) {
		t.Errorf("after b's requests about a's second webhook, a sees %d: %s", got.Status, got.Body)
	}
	receiverA.gotNothing(t)
	receiverB.gotNothing(t)
}
