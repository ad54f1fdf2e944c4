// Function retrier runs every minute and moves deliveries that become due from the
// retries table to the deliveries queue.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/retrier"
	"webhooks/shared/delivery/retrydb"
)

func main() { boot.Main(build) }

// build wires the function. It ignores its event: the clock and the table decide which
// rows it moves.
func build(log *slog.Logger, getenv func(string) string) (func(context.Context) error, error) {
	settings := boot.NewSettings(getenv)
	retries, deliveries := settings.Required("RETRIES_TABLE"), settings.Required("DELIVERIES_QUEUE_URL")
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	r := &retrier.Retrier{
		Log:     log,
		Retries: retrydb.New(dynamodb.NewFromConfig(cfg), retries),
		Queue:   queue.New(sqs.NewFromConfig(cfg), deliveries),
		Now:     time.Now,
		Metrics: metric.New(os.Stdout, getenv("METRICS_NAMESPACE"), time.Now),
	}
	return r.Run, nil
}
