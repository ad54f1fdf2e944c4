package architecture_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOnlyTheNamedOnesSendToAQueue: what a message may steer depends on who can send
// it. A delivery decides what is sent to a receiver, and the attributes of a dead
// letter what a redrive sends, so only functions may write them. Producers send to the
// events queue and the bus, and to nothing else.
func TestOnlyTheNamedOnesSendToAQueue(t *testing.T) {
	t.Parallel()
	got := make(map[string][]string)
	add := func(queue, sender string) { got[queue] = append(got[queue], sender) }
	all := grants(t)
	for _, folder := range slices.Sorted(maps.Keys(all)) {
		for name, actions := range all[folder] {
			if slices.Contains(actions, "SendMessage") {
				add(name, folder)
			}
		}
	}
	for _, policy := range resources(t, "AWS::IAM::ManagedPolicy") {
		for _, s := range statements(policy.properties["PolicyDocument"]) {
			if slices.Contains(listOf(s["Action"]), "sqs:SendMessage") {
				for _, name := range resourcesIn(s["Resource"]) {
					add(name, policy.name)
				}
			}
		}
	}
	for _, policy := range resources(t, "AWS::SQS::QueuePolicy") {
		for _, s := range statements(policy.properties["PolicyDocument"]) {
			if s["Effect"] == "Allow" {
				for _, name := range resourcesIn(policy.properties["Queues"]) {
					add(name, text(s, "Principal", "Service"))
				}
			}
		}
	}
	want := map[string][]string{
		"EventsQueue":                {"publish-events", "ProducerPolicy", "events.amazonaws.com"},
		"DeliveriesQueue":            {"dispatcher", "fanout", "resend-log", "retrier"},
		"SlowQueue":                  {"dispatcher"},
		"EventsDeadLettersQueue":     {"fanout"},
		"DeliveriesDeadLettersQueue": {"dispatcher"},
		"BusDeadLettersQueue":        {"events.amazonaws.com"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("senders by queue (-want +template):\n%s", diff)
	}
}
