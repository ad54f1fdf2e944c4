package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"webhooks/shared/delivery"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook"
)

// TestTheSimulationHasTheServicesParameters compares the constants of the
// simulation with template.yaml and the code. Times are in seconds.
func TestTheSimulationHasTheServicesParameters(t *testing.T) {
	t.Parallel()
	type parameter struct {
		Default string `yaml:"Default"`
	}
	type mapping struct {
		Properties struct {
			BatchSize float64 `yaml:"BatchSize"`
			Window    float64 `yaml:"MaximumBatchingWindowInSeconds"`
		} `yaml:"Properties"`
	}
	var template struct {
		Parameters struct {
			Schedule parameter `yaml:"RetrySchedule"`
		} `yaml:"Parameters"`
		Resources struct {
			Dispatcher struct {
				Properties struct {
					Events map[string]mapping `yaml:"Events"`
				} `yaml:"Properties"`
			} `yaml:"DispatcherFunction"`
		} `yaml:"Resources"`
	}
	text, err := os.ReadFile(cloudtest.Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	waits, err := delivery.ParseSchedule(template.Parameters.Schedule.Default)
	if err != nil {
		t.Fatal(err)
	}
	mappings := template.Resources.Dispatcher.Properties.Events
	want := map[string]float64{
		"simBatch": mappings["Deliveries"].Properties.BatchSize, "simPacked": mappings["SlowDeliveries"].Properties.BatchSize,
		"simWindow": mappings["SlowDeliveries"].Properties.Window, "simRetry": waits[0].Seconds(), "simMark": webhook.SlowAfter.Seconds(),
	}
	got := map[string]float64{"simBatch": simBatch, "simPacked": simPacked, "simWindow": simWindow, "simRetry": simRetry, "simMark": simMark}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the simulation differs from the service (-service +simulation):\n%s", diff)
	}
	for _, row := range rows() {
		if second := waits[1].Seconds(); second < row.seconds {
			t.Errorf("%s lasts %v s: the simulation has no second retry, which comes after %v s", row.name, row.seconds, second)
		}
	}
}
