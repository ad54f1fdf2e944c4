// Command isolation measures on a local stack what others do to the latency of a webhook. `make isolation` runs it
// once for each trouble, which the variable TROUBLE names:
//
//   - receivers: beside it, one receiver becomes slow and one fails. They belong to the same tenant.
//   - wave: another tenant, whose API key is OTHER_API_KEY and whose name is OTHER_TENANT, has a thousand webhooks
//     that never answer, and one event goes to all of them.
//   - pace: a burst of 300 events goes to a webhook with a rate limit, which spreads them.
//   - tenant: that other tenant publishes and lists as fast as it may.
//
// The program prints a table, and writes the figures to the file FIGURES as JSON. `make isolation` compares them with
// their goals.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// The load of the measurement.
const (
	badRate    = 20               // events per second to each of the slow and the failing webhook
	goodRate   = 5                // events per second to the webhook that is measured
	warmup     = 5 * time.Second  // for cold starts
	baseline   = 10 * time.Second // without trouble
	patience   = 90 * time.Second // wait for the last deliveries
	slowAnswer = 15 * time.Second
)

// figures are what was measured, by the names that .local/isolation.json has them under.
type figures map[string]float64

func main() {
	report, err := run(context.Background(), os.Getenv)
	fmt.Print(report)
	// make isolation shows this line below the report.
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// run returns the report of a measurement.
func run(ctx context.Context, getenv func(string) string) (string, error) {
	seconds, err := strconv.Atoi(getenv("DURATION"))
	if err != nil || seconds < 20 {
		return "", fmt.Errorf("DURATION is %q, want at least 20 seconds", getenv("DURATION"))
	}
	s, err := open(getenv)
	if err != nil {
		return "", err
	}
	duration, other := time.Duration(seconds)*time.Second, s.as(getenv("OTHER_TENANT"), getenv("OTHER_API_KEY"))
	measure := map[string]func() (string, figures, error){
		"receivers": func() (string, figures, error) { return s.receivers(ctx, duration) },
		"pace":      func() (string, figures, error) { return s.pace(ctx, duration) },
		"wave":      func() (string, figures, error) { return s.wave(ctx, duration, other) },
		"tenant":    func() (string, figures, error) { return s.neighbours(ctx, duration, other) },
	}[getenv("TROUBLE")]
	if measure == nil {
		return "", fmt.Errorf("TROUBLE is %q, want receivers, wave, pace or tenant", getenv("TROUBLE"))
	}
	text, found, err := measure()
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(found)
	if err != nil {
		return "", err
	}
	return text, os.WriteFile(getenv("FIGURES"), encoded, 0o600)
}
