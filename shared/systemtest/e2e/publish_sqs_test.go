package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
)

// exactData is JSON that decoding and encoding would change: numbers beyond float64,
// member order, escapes, white space.
const exactData = `{ "z":1.0,  "a" : 12345678901234567890.10,"e":1E+2,` + "\n\t" +
	`"escaped":"\u4f60\u597D\/ \u003chtml\u003e \ud83d\ude00", "plain":"环境 <&> 😀", "nested":[ [ ], { } , -0 ] }`

// TestDeliveryIsSignedAndExact checks the whole request, with every kind of secret.
func TestDeliveryIsSignedAndExact(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, secret string }{
		{"generated", ""},
		{"base64", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		{"raw", "your-secret-key"},
		{"raw, not ASCII", "密钥密钥密钥密钥"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), newReceiver(t, ok)
			made := c.webhook(r.URL, "environment.created")
			secret := made.Secret
			if test.secret != "" {
				// The new secret signs first, and the generated one signs too for 24 h.
				c.update(made.ID, fmt.Sprintf(`{"secret":%q}`, test.secret))
				secret = test.secret
			}
			publish(t, fmt.Sprintf(`{"id":"evt-1","type":"environment.created","tenant_id":%q,"timestamp":"2026-01-26T10:00:00+08:00","data":%s}`, c.id, exactData))

			got := r.next(t)
			got.verify(t, secret)
			got.verify(t, made.Secret)
			want := `{"type":"environment.created","timestamp":"2026-01-26T10:00:00+08:00","data":` + exactData + `}`
			if diff := cmp.Diff(want, got.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got.ID() != "evt-1" || got.Method != "POST" || got.Path != "/webhook" ||
				got.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.Header.Get("User-Agent"), "webhooks-on-aws/") {
				t.Errorf("request = %s %s %v", got.Method, got.Path, got.Header)
			}
		})
	}
}

// TestEventWithoutIDAndTimestamp: the event gets the id and time of its message.
func TestEventWithoutIDAndTimestamp(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	c.webhook(r.URL, "environment.created")
	before := time.Now().Add(-time.Second)
	ids := publish(t, fmt.Sprintf(`{"type":"environment.created","tenant_id":%q,"data":null}`, c.id))

	got := r.next(t)
	if got.ID() != "evt_"+ids[0] {
		t.Errorf("webhook-id = %q, want evt_%s", got.ID(), ids[0])
	}
	body, _ := parsed(t, got.Body).(map[string]any)
	text, _ := body["timestamp"].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Before(before) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("timestamp = %q (%v), want the time of sending", text, err)
	}
	if data, has := body["data"]; !has || data != nil {
		t.Errorf("data = %v, want null", data)
	}
}

// TestLargeEventIsDelivered includes bodies that do not fit into the delivery message.
func TestLargeEventIsDelivered(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		bytes int
	}{{"in the delivery message", 31 << 10}, {"in its own row", 32 << 10}, {"40 KiB", 40 << 10}, {"the largest", 256<<10 - 2}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, r := setup(t), newReceiver(t, ok)
			made := c.webhook(r.URL, "environment.created")
			data := `"` + strings.Repeat("0123456789abcdef环", test.bytes/19+1)
			data = strings.ToValidUTF8(data[:test.bytes+1], "?") + `"`
			publish(t, c.event("evt-1", data))

			got := r.next(t)
			got.verify(t, made.Secret)
			if !strings.HasSuffix(got.Body, `,"data":`+data+`}`) {
				t.Errorf("the receiver got %d bytes, want the data's %d and some: %.80s…", len(got.Body), len(data), got.Body)
			}
		})
	}
}

// TestTheDeepestDataIsDelivered: the delivery adds levels around what is accepted.
func TestTheDeepestDataIsDelivered(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	data := strings.Repeat(`[{"a":`, event.MaxDepth/2) + "1" + strings.Repeat("}]", event.MaxDepth/2)
	publish(t, c.event("evt-1", data))

	got := r.next(t)
	got.verify(t, made.Secret)
	if !strings.HasSuffix(got.Body, `,"data":`+data+`}`) {
		t.Errorf("the receiver got %s, want the data %s", got.Body, data)
	}
}

// TestOnlySubscribersGetAnEvent also has a disabled webhook.
func TestOnlySubscribersGetAnEvent(t *testing.T) {
	t.Parallel()
	c := setup(t)
	subscribed, other, disabled := newReceiver(t, ok), newReceiver(t, ok), newReceiver(t, ok)
	c.webhook(subscribed.URL, "alert.triggered", "environment.created")
	c.webhook(other.URL, "environment.started")
	off := c.webhook(disabled.URL, "environment.created")
	c.update(off.ID, `{"enabled":false}`)

	publish(t, c.event("evt-1", `{}`))
	if got := subscribed.next(t); got.ID() != "evt-1" {
		t.Errorf("got %s", got.ID())
	}
	c.waitForLogs(1, 1)
	// Other deliveries would have arrived with the first.
	other.gotNothing(t)
	disabled.gotNothing(t)
	if page := c.logs(off.ID, ""); page.Pagination.Total != 0 {
		t.Errorf("the disabled webhook has logs: %+v", page.Items)
	}
}
