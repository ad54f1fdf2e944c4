package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEventOverTheBus: detail-type becomes the type, and detail becomes the data.
func TestEventOverTheBus(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "training.failed")
	detail := fmt.Sprintf(`{"tenant_id":%q,"job":7,"reason":"内存不足 <oom>","loss":0.25}`, c.id)
	id := putEvent(t, "training.failed", detail)

	got := r.next(t)
	got.verify(t, made.Secret)
	if got.ID() != id {
		t.Errorf("webhook-id = %q, want %q, which the bus assigned", got.ID(), id)
	}
	body, _ := parsed(t, got.Body).(map[string]any)
	text, _ := body["timestamp"].(string)
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		t.Errorf("timestamp = %q, want RFC 3339", text)
	}
	delete(body, "timestamp")
	// EventBridge encodes the detail again, so the test compares values and not bytes.
	want := map[string]any{"type": "training.failed", "data": parsed(t, detail)}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if log := c.waitForLogs(made.ID, 1)[0]; log.Outcome != "delivered" || log.EventType != "training.failed" || log.EventID != id {
		t.Errorf("log = %+v", log)
	}
}
