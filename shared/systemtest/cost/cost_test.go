package cost_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/cloudtest"
)

// envRecord is the environment variable that makes the test write its figures to
// .local/cost.json. `make cost` sets it.
const envRecord = "WEBHOOKS_RECORD_COST"

// Names of usage that is not a request of DynamoDB, SQS or Lambda. KMS calls do not
// depend on the number of events: see vault.MaxAge.
const (
	busPuts  = "events on the bus"
	kmsCalls = "KMS calls"
)

// TestBilledUnits compares the billed units of each scenario with table_test.go. A
// further write unit per event costs 62 cents per million events. To add a unit on
// purpose, copy what the test prints into the table, run `make cost`, update
// .docs/cost.md, and give the reason in the commit.
func TestBilledUnits(t *testing.T) {
	t.Parallel()
	built := build(t)
	totals := make(chan named, len(scenarios()))
	t.Run("scenario", func(t *testing.T) {
		for _, sc := range scenarios() {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				r := sc.run(t, built)
				compared := maps.Clone(r.used)
				maps.DeleteFunc(compared, func(what string, _ float64) bool { return strings.HasSuffix(what, polls) })
				if diff := cmp.Diff(sc.want, compared); diff != "" {
					t.Errorf("%d events are billed differently (-want +got):\n%s", sc.events, diff)
				}
				report(t, sc.name, r)
				totals <- named{sc.name, r.perMillion().total()}
			})
		}
	})
	close(totals)
	if os.Getenv(envRecord) != "" {
		record(t, totals)
	}
}

type named struct {
	name    string
	dollars float64
}

// record writes the figures of the scenarios.
func record(t *testing.T, totals <-chan named) {
	t.Helper()
	dollars := make(map[string]float64)
	for total := range totals {
		dollars[total.name] = total.dollars
	}
	extra := (dollars[ten] - dollars[busy]) / 9
	t.Logf("$%.2f per additional million deliveries", extra)
	cloudtest.Record(t, "cost.json", map[string]float64{
		"usd_per_million_events_busy":        dollars[busy],
		"usd_per_million_events_spread":      dollars[spread],
		"usd_per_million_extra_deliveries":   extra,
		"usd_per_million_events_failing":     dollars[failing],
		"usd_per_million_events_eventbridge": dollars[bus],
	})
}

// report prints the bill of a million events.
func report(t *testing.T, name string, r result) {
	t.Helper()
	b := r.perMillion()
	b.print(t, name)
	t.Logf("%-16s $%.2f per million events, $%.2f per million deliveries (prices of %s)", "total", b.total(), b.total()*float64(r.events)/float64(r.deliveries), pricesOf)
	t.Logf("not included: a month of storage $%.2f, data transfer to the internet $%.2f",
		scaled(r.kept, r.events)*dynamodbStorage, scaled(r.sent, r.events)*egressGB)
	t.Logf("billed duration of an invocation: fanout %s, dispatcher %s; %d bytes of log per event",
		r.fanout.billed(fanoutCalls*awsCall), r.dispatcher.billed(dispatcherCalls*awsCall+r.answer), r.logBytes()/r.events)
}

// scaled converts the bytes of n events to the GB of a million events.
func scaled(bytes, n int) float64 { return float64(bytes) / float64(n) * 1e6 / 1e9 }
