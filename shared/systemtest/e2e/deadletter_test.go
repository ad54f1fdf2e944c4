package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/cloudtest"
)

// deadLetter holds the attributes of a dead letter.
type deadLetter struct {
	Reason, EventID string
	HasDetail       bool
}

// poison is a message that can never be delivered.
type poison struct {
	name string
	body string
	want deadLetter
}

// TestPoisonEventsBecomeDeadLetters publishes messages that can never be delivered, and
// finds each of them unchanged in the dead-letter queue, with its reason. No other test
// reads that queue: two tests would take each other's messages.
func TestPoisonEventsBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-known", `{"n":1}`))
	r.next(t) // it is fanned out before a later event uses its id

	all := poisonOf(c.id)
	bodies := make([]string, 0, len(all))
	for _, p := range all {
		bodies = append(bodies, p.body)
	}
	publishAll(t, bodies)
	busDetail := fmt.Sprintf(`{"tenant_id":%q}`, c.id)
	busID := putEvent(t, "environment.destroyed", busDetail)

	found := findDeadLetters(t, "EventsDeadLettersQueue", c.id, len(all)+1)
	for _, p := range all {
		if diff := cmp.Diff(p.want, found[p.body]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.name, diff)
		}
		delete(found, p.body)
	}
	for body, letter := range found { // the event of the bus, which encodes it again
		if want := (deadLetter{"unknown_type", busID, true}); letter != want || !strings.Contains(body, `"environment.destroyed"`) {
			t.Errorf("dead letter %+v: %s, want that of the bus: %+v", letter, body, want)
		}
	}
	r.gotNothing(t)
	if page := c.logs(made.ID, ""); page.Pagination.Total != 1 {
		t.Errorf("%d logs, want only that of the valid event", page.Pagination.Total)
	}
}

// poisonOf returns different messages that contain the tenant id.
func poisonOf(tenantID string) []poison {
	event := func(id, rest string) string {
		return fmt.Sprintf(`{"id":%q,"tenant_id":%q,%s}`, id, tenantID, rest)
	}
	const created = `"type":"environment.created"`
	return []poison{
		{"not JSON", tenantID + " says hello", deadLetter{"not_json", "", true}},
		{"two values", event("evt-1", created+`,"data":1`) + `{}`, deadLetter{"not_json", "evt-1", true}},
		{"array", "[" + event("evt-2", created+`,"data":2`) + "]", deadLetter{"not_json", "", true}},
		{"member twice", event("evt-3", created+`,"data":3,"id":"evt-4"`), deadLetter{"not_json", "evt-3", true}},
		{"unknown type", event("evt-5", `"type":"environment.destroyed","data":5`), deadLetter{"unknown_type", "evt-5", true}},
		{"test type", event("evt-6", `"type":"webhook.test","data":6`), deadLetter{"unknown_type", "evt-6", true}},
		{"no type", event("evt-7", `"data":7`), deadLetter{"missing_field", "evt-7", true}},
		{"no data", event("evt-8", created), deadLetter{"missing_field", "evt-8", true}},
		{"no tenant", fmt.Sprintf(`{"id":"evt-9",%s,"data":%q}`, created, tenantID), deadLetter{"missing_field", "evt-9", true}},
		{"tenant in other case", fmt.Sprintf(`{"id":"evt-10",%s,"Tenant_ID":%q,"data":10}`, created, tenantID), deadLetter{"unknown_field", "evt-10", true}},
		{"bad tenant", fmt.Sprintf(`{"id":"evt-11",%s,"tenant_id":"%s#1","data":11}`, created, tenantID), deadLetter{"invalid_tenant", "evt-11", true}},
		{"bad id", event("evt.12", created+`,"data":12`), deadLetter{"invalid_id", "evt.12", true}},
		{"id is a number", fmt.Sprintf(`{"id":13,%s,"tenant_id":%q,"data":13}`, created, tenantID), deadLetter{"invalid_id", "", true}},
		{"bad timestamp", event("evt-14", created+`,"data":14,"timestamp":"yesterday"`), deadLetter{"invalid_timestamp", "evt-14", true}},
		{"timestamp with one digit of the hour", event("evt-18", created+`,"data":18,"timestamp":"2026-01-26T9:00:00Z"`), deadLetter{"invalid_timestamp", "evt-18", true}},
		{"deep data", event("evt-19", created+`,"data":`+strings.Repeat("[", 9999)+strings.Repeat("]", 9999)), deadLetter{"too_deep", "evt-19", true}},
		{"unknown member", event("evt-15", created+`,"data":15,"priority":1`), deadLetter{"unknown_field", "evt-15", true}},
		{"event and envelope", event("evt-16", created+`,"data":16,"detail-type":"environment.created","detail":{}`), deadLetter{"ambiguous", "evt-16", true}},
		{"data too large", event("evt-17", created+`,"data":"`+strings.Repeat("x", 256<<10)+`"`), deadLetter{"data_too_large", "evt-17", true}},
		{"id of another event", event("evt-known", created+`,"data":{"n":2}`), deadLetter{"conflict", "evt-known", true}},
		{"id of another event, other spaces", event("evt-known", created+`,"data":{"n": 1}`), deadLetter{"conflict", "evt-known", true}},
	}
}

// publishAll publishes any number of events, ten in each request.
func publishAll(t testing.TB, events []string) {
	t.Helper()
	for len(events) > 0 {
		n := min(len(events), 10)
		publish(t, events[:n]...)
		events = events[n:]
	}
}

// findDeadLetters waits for the n dead letters whose body contains mark, and deletes
// them from the queue. Other letters become visible again later.
func findDeadLetters(t testing.TB, queue, mark string, n int) map[string]deadLetter {
	t.Helper()
	url, client := physicalID(t, queue), sqs.NewFromConfig(cloudtest.Config(t))
	found := make(map[string]deadLetter)
	eventually(t, func() string {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 20, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if !strings.Contains(*m.Body, mark) {
				continue
			}
			found[*m.Body] = letterOf(m)
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		if len(found) < n {
			return fmt.Sprintf("found %d of %d dead letters: %s", len(found), n, reasons(found))
		}
		return ""
	})
	return found
}

func letterOf(m types.Message) deadLetter {
	text := func(name string) string {
		if value, has := m.MessageAttributes[name]; has {
			return *value.StringValue
		}
		return ""
	}
	return deadLetter{Reason: text("reason"), EventID: text("event_id"), HasDetail: text("detail") != ""}
}

func reasons(found map[string]deadLetter) string {
	var list []deadLetter
	for _, letter := range found {
		list = append(list, letter)
	}
	text, _ := json.Marshal(list) // for the failure message
	return string(text)
}

// waitForEvent waits until an event is stored: then another event with its id is
// refused.
func (c *tenant) waitForEvent(id string) {
	c.t.Helper()
	other := `{"id":"` + id + `","type":"alert.resolved","data":"another"}`
	eventually(c.t, func() string {
		if got := c.call("POST", eventsPath, other); got.Status != http.StatusConflict {
			return "the event " + id + " is not stored"
		}
		return ""
	})
}

// TestDuplicateIsDeliveredOnce: a producer that does not know whether an event was
// queued sends it again.
func TestDuplicateIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	same := c.event("evt-1", `{"n":1}`)
	publish(t, same)
	if got := r.next(t); got.ID() != "evt-1" {
		t.Fatalf("got %s", got.ID())
	}
	// An event is stored after its deliveries are queued. A copy that arrives in between
	// is fanned out too (at-least-once delivery), so the copies are sent later.
	c.waitForEvent("evt-1")
	publish(t, same, same, c.event("evt-2", `{"n":2}`))

	// The next request is the event that was published after the duplicates.
	if got := r.next(t); got.ID() != "evt-2" {
		t.Errorf("got %s again, want it once", got.ID())
	}
	c.waitForLogs(made.ID, 2)
	r.gotNothing(t)
}
