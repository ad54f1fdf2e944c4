package cost_test

import "time"

// Names of the scenarios.
const (
	busy    = "one busy webhook"
	spread  = "every delivery to another webhook"
	ten     = "each event to ten webhooks"
	failing = "one of a hundred attempts fails"
	bus     = "by EventBridge"
	sealed  = "secrets sealed by KMS"
	limited = "below a rate limit"
	waiting = "each delivery waits once for its slot"
)

// expected is a scenario and its billed units.
type expected struct {
	scenario
	want usage
}

func scenarios() []expected {
	return []expected{
		{scenario{name: busy, events: 100, tenants: 1, webhooks: 1}, usage{
			"EventsQueue requests":                    30, // sent, received and deleted ten at a time
			"fanout invocations":                      10,
			"EventsTable read units":                  100, // look-up of known events
			"EventsTable write units":                 100, // the event, compressed
			"WebhooksTable read units":                20,  // index and webhook once per batch
			"DeliveriesQueue requests":                30,
			"DeliveriesQueue requests of fair queues": 30,
			"dispatcher invocations":                  10,
			"LogsTable write units":                   20,  // the ids and the logs of a batch
			"log lines":                               130, // one per batch of events and one per attempt, and the metrics of each invocation
		}},
		{scenario{name: spread, events: 100, tenants: 10, webhooks: 1}, usage{
			"EventsQueue requests":                    30,
			"fanout invocations":                      10,
			"EventsTable read units":                  100,
			"EventsTable write units":                 100,
			"WebhooksTable read units":                200, // each event has its own index and webhook
			"DeliveriesQueue requests":                30,
			"DeliveriesQueue requests of fair queues": 30,
			"dispatcher invocations":                  10,
			"LogsTable write units":                   200, // each log has ids and a chunk of its own
			"log lines":                               130, // one per batch of events and one per attempt, and the metrics of each invocation
		}},
		{scenario{name: ten, events: 20, tenants: 1, webhooks: 10}, usage{
			"EventsQueue requests":                    6,
			"fanout invocations":                      2,
			"EventsTable read units":                  20,
			"EventsTable write units":                 20,
			"WebhooksTable read units":                22, // each webhook once per batch
			"DeliveriesQueue requests":                6,  // ten deliveries in a message
			"DeliveriesQueue requests of fair queues": 6,
			"dispatcher invocations":                  2,
			"LogsTable write units":                   40, // a chunk and its ids once per batch and webhook
			"log lines":                               206,
		}},
		{scenario{name: failing, events: 100, tenants: 1, webhooks: 1, failing: 1}, usage{
			"EventsQueue requests":                    30,
			"fanout invocations":                      10,
			"EventsTable read units":                  100,
			"EventsTable write units":                 100,
			"WebhooksTable read units":                21,
			"DeliveriesQueue requests":                33, // the second attempt has its own batch
			"DeliveriesQueue requests of fair queues": 33,
			"dispatcher invocations":                  11,
			"LogsTable write units":                   25, // the failed attempt is also a problem, and both are rows of their event
			"log lines":                               132,
		}},
		{scenario{name: bus, events: 100, tenants: 1, webhooks: 1, bus: true}, usage{
			busPuts:                                   100,
			"EventsQueue requests":                    120, // the bus sends one event per request
			"fanout invocations":                      10,
			"EventsTable read units":                  100,
			"EventsTable write units":                 100,
			"WebhooksTable read units":                20,
			"DeliveriesQueue requests":                30,
			"DeliveriesQueue requests of fair queues": 30,
			"dispatcher invocations":                  10,
			"LogsTable write units":                   20,
			"log lines":                               130, // one per batch of events and one per attempt, and the metrics of each invocation
		}},
		{scenario{name: sealed, events: 100, tenants: 1, webhooks: 1, sealed: true}, usage{
			"EventsQueue requests":                    30,
			"fanout invocations":                      10,
			"EventsTable read units":                  100,
			"EventsTable write units":                 100,
			"WebhooksTable read units":                20,
			"DeliveriesQueue requests":                30,
			"DeliveriesQueue requests of fair queues": 30,
			"dispatcher invocations":                  10,
			"LogsTable write units":                   20,
			"log lines":                               130,
			kmsCalls:                                  1, // per tenant, process and hour
		}},
		{scenario{name: limited, events: 100, tenants: 1, webhooks: 1, limit: 1000}, usage{
			"EventsQueue requests":                    30,
			"fanout invocations":                      10,
			"EventsTable read units":                  100,
			"EventsTable write units":                 100,
			"WebhooksTable read units":                20,
			"WebhooksTable write units":               10, // one reservation for a batch
			"DeliveriesQueue requests":                30,
			"DeliveriesQueue requests of fair queues": 30,
			"dispatcher invocations":                  10,
			"LogsTable write units":                   20,
			"log lines":                               130,
		}},
		{scenario{name: waiting, events: 20, tenants: 1, webhooks: 1, limit: 1000, waits: 4 * time.Second}, usage{
			"EventsQueue requests":                    6,
			"fanout invocations":                      2,
			"EventsTable read units":                  20,
			"EventsTable write units":                 20,
			"WebhooksTable read units":                6,
			"WebhooksTable write units":               2,  // the slot is reserved once
			"DeliveriesQueue requests":                12, // sent, received and deleted twice
			"DeliveriesQueue requests of fair queues": 12,
			"dispatcher invocations":                  4,
			"LogsTable write units":                   4,
			"log lines":                               26,
		}},
	}
}
