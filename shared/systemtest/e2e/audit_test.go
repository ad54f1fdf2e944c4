package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// auditLine holds the attributes of an audit line: who did what, for which tenant
// and from where.
type auditLine struct {
	Audit, KeyID, TenantID, SourceIP, Status, WebhookID, LogID, By string
}

func TestEveryChangeLeavesOneAuditLine(t *testing.T) {
	t.Parallel()
	began := time.Now()
	c, r := setup(t), newReceiver(t, ok)
	issued := issueKey(t, map[string]any{"tenant_id": c.id})
	by, here := c.with(t, issued.APIKey), "127.0.0.1"
	made := by.webhook(r.URL, "environment.created")
	by.update(made.ID, `{"name":"renamed"}`)
	by.rotate(made.ID, "")
	publish(t, c.event("evt-1", `1`))
	r.next(t)
	by.waitForLogs(made.ID, 1)
	by.call("POST", path(made.ID, "/logs/1/resend"), "").is(t, http.StatusAccepted, `{"code":0,"message":"已重新投递","data":{"event_id":"evt-1","attempt":2}}`)
	dataOf[tested](t, by.call("POST", path(made.ID, "/test"), ""), http.StatusOK)
	by.call("DELETE", path(made.ID), "").is(t, http.StatusNoContent, "")
	for _, action := range []string{"expire", "revoke"} {
		keys(t, map[string]any{"action": action, "key_id": issued.KeyID}, &issuedKey{})
	}

	id := strconv.FormatInt(made.ID, 10)
	want := []auditLine{
		{Audit: "key.issue", KeyID: issued.KeyID, TenantID: c.id, By: "IAM, see CloudTrail"},
		{Audit: "webhook.create", KeyID: issued.KeyID, TenantID: c.id, SourceIP: here, Status: "201", WebhookID: id},
		{Audit: "webhook.update", KeyID: issued.KeyID, TenantID: c.id, SourceIP: here, Status: "200", WebhookID: id},
		{Audit: "secret.rotate", KeyID: issued.KeyID, TenantID: c.id, SourceIP: here, Status: "200", WebhookID: id},
		{Audit: "log.resend", KeyID: issued.KeyID, TenantID: c.id, SourceIP: here, Status: "202", WebhookID: id, LogID: "1"},
		{Audit: "webhook.test", KeyID: issued.KeyID, TenantID: c.id, SourceIP: here, Status: "200", WebhookID: id},
		{Audit: "webhook.delete", KeyID: issued.KeyID, TenantID: c.id, SourceIP: here, Status: "204", WebhookID: id},
		{Audit: "key.expire", KeyID: issued.KeyID, TenantID: c.id, By: "IAM, see CloudTrail"},
		{Audit: "key.revoke", KeyID: issued.KeyID, TenantID: c.id, By: "IAM, see CloudTrail"},
	}
	var got map[string][]auditLine
	eventually(t, func() string {
		got = auditOf(t, began, issued.KeyID)
		if len(got) < len(want) {
			return fmt.Sprintf("the log has audit lines for %d of %d actions: %+v", len(got), len(want), got)
		}
		return ""
	})
	for _, line := range want {
		if diff := cmp.Diff([]auditLine{line}, got[line.Audit]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line.Audit, diff)
		}
	}
}

// auditOf returns the audit lines about an API key, by action.
func auditOf(t testing.TB, since time.Time, keyID string) map[string][]auditLine {
	t.Helper()
	found := make(map[string][]auditLine)
	for _, line := range cloudLogs(t, since, keyID) {
		a := line.attributes()
		if a["audit"] != "" {
			found[a["audit"]] = append(found[a["audit"]], auditLine{
				a["audit"], a["key_id"], a["tenant_id"], a["source_ip"], a["status"], a["webhook_id"], a["log_id"], a["by"],
			})
		}
	}
	return found
}
