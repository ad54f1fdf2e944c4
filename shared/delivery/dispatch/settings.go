package dispatch

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// maxTimeout is the largest ATTEMPT_TIMEOUT_SECONDS.
const maxTimeout = 15 * time.Second

// maxVisibility is the longest visibility timeout of a queue, in seconds.
const maxVisibility = 12 * 60 * 60

// UserAgent is the user-agent header of every attempt.
const UserAgent = "webhooks-on-aws/1.0"

// Load returns the parts of a dispatcher as settings and getenv configure them, with
// clients of cfg. Its error names every variable that is missing or malformed.
func Load(log *slog.Logger, cfg aws.Config, settings *boot.Settings, getenv func(string) string) (Config, error) {
	db, queues := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	sender, invalid := loadSender(settings, getenv, maxTimeout)
	store := webhookdb.New(db, settings.Required("WEBHOOKS_TABLE"), webhookdb.WithVault(vault.FromConfig(cfg, vault.DecryptOnly)))
	deliveries, slow := settings.Required("DELIVERIES_QUEUE_URL"), settings.Required("SLOW_QUEUE_URL")
	c := Config{
		Consumer: inbound.Consumer{
			Log: log, DeadLetters: queue.New(queues, settings.Required("DEAD_LETTERS_QUEUE_URL")),
			MaxReceiveCount: settings.Int("MAX_RECEIVE_COUNT", 2, 1000),
		},
		Webhooks: store, Health: store, Slots: store,
		Events:  eventdb.New(db, settings.Required("EVENTS_TABLE"), 0), // it only reads
		Logs:    attemptlogdb.New(db, settings.Required("LOGS_TABLE"), settings.Days("LOG_RETENTION_DAYS")),
		Retries: retrydb.New(db, settings.Required("RETRIES_TABLE")),
		Queue:   queue.New(queues, deliveries), Source: queue.NewSource(queues, deliveries),
		SlowQueue: queue.New(queues, slow), SlowSource: queue.NewSource(queues, slow), SlowQueueARN: settings.Required("SLOW_QUEUE_ARN"),
		Visibility: time.Duration(settings.Int("VISIBILITY_SECONDS", 1, maxVisibility)) * time.Second,
		Sender:     sender,
		Now:        time.Now, Sleep: Sleep, Random: rand.Float64, Metrics: metric.New(os.Stdout, getenv("METRICS_NAMESPACE"), time.Now),
	}
	waits := settings.Required("RETRY_SCHEDULE")
	c.Kept = settings.Days("EVENT_RETENTION_DAYS")
	if err := errors.Join(settings.Err(), invalid); err != nil {
		return Config{}, err
	}
	var err error
	if c.Schedule, err = delivery.ParseSchedule(waits); err != nil {
		return Config{}, fmt.Errorf("RETRY_SCHEDULE: %w", err)
	}
	// Late attempts may then find no body. To refuse to start would stop all deliveries.
	if err := c.Schedule.Fits(c.Kept); err != nil {
		log.Error("the retry schedule does not fit into EventRetentionDays", "error", err.Error())
	}
	return c, nil
}

// LoadTester returns the parts of a tester, whose attempts take at most
// [webhook.TestTimeout]: a caller waits for the response. It takes the client and the
// store of the route. Its error names every variable that is missing or malformed.
func LoadTester(log *slog.Logger, db *dynamodb.Client, health Health, settings *boot.Settings, getenv func(string) string) (TesterConfig, error) {
	sender, invalid := loadSender(settings, getenv, webhook.TestTimeout)
	c := TesterConfig{
		Consumer: inbound.Consumer{Log: log},
		Health:   health,
		Logs:     attemptlogdb.New(db, settings.Required("LOGS_TABLE"), settings.Days("LOG_RETENTION_DAYS")),
		Sender:   sender, Now: time.Now,
	}
	return c, errors.Join(settings.Err(), invalid)
}

// loadSender returns a sender whose attempts take at most longest.
func loadSender(settings *boot.Settings, getenv func(string) string, longest time.Duration) (*attempt.Sender, error) {
	timeout := time.Duration(settings.Int("ATTEMPT_TIMEOUT_SECONDS", 1, int(maxTimeout.Seconds()))) * time.Second
	bodyLimit := settings.Int("RESPONSE_BODY_BYTES", 1, attempt.MaxBodyLimit)
	g, err := guard.FromEnv(getenv)
	return attempt.New(g, attempt.Config{Timeout: min(timeout, longest), BodyLimit: bodyLimit, UserAgent: UserAgent}), err
}
