package dispatch

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/boot"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// New returns a dispatcher with the fields that every attempt needs, configured
// from settings and getenv: the guard, the sender, the logs, and the webhooks,
// whose secrets the vault decrypts. [Dispatcher.Handle] also needs the other fields.
func New(log *slog.Logger, db *dynamodb.Client, secrets *vault.Vault, settings *boot.Settings, getenv func(string) string) (*Dispatcher, error) {
	return newDispatcher(log, db, secrets, settings, getenv, maxTimeout)
}

// NewTester returns a dispatcher for [Dispatcher.Test], with attempts of at most
// [webhook.TestTimeout]: a caller waits for the response.
func NewTester(log *slog.Logger, db *dynamodb.Client, secrets *vault.Vault, settings *boot.Settings, getenv func(string) string) (*Dispatcher, error) {
	return newDispatcher(log, db, secrets, settings, getenv, webhook.TestTimeout)
}

// newDispatcher returns a dispatcher whose attempts take at most longest.
func newDispatcher(log *slog.Logger, db *dynamodb.Client, secrets *vault.Vault, settings *boot.Settings, getenv func(string) string, longest time.Duration) (*Dispatcher, error) {
	webhooks, logs := settings.Required("WEBHOOKS_TABLE"), settings.Required("LOGS_TABLE")
	retention := settings.Days("LOG_RETENTION_DAYS")
	timeout := min(time.Duration(settings.Int("ATTEMPT_TIMEOUT_SECONDS", 1, int(maxTimeout.Seconds())))*time.Second, longest)
	bodyLimit := settings.Int("RESPONSE_BODY_BYTES", 1, attempt.MaxBodyLimit)
	if err := settings.Err(); err != nil {
		return nil, err
	}
	g, err := guard.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	store := webhookdb.New(db, webhooks, webhookdb.WithVault(secrets))
	return &Dispatcher{
		Consumer:       inbound.Consumer{Log: log},
		Webhooks:       store,
		Health:         store,
		Logs:           attemptlogdb.New(db, logs, retention),
		Sender:         attempt.New(g, attempt.Config{Timeout: timeout, BodyLimit: bodyLimit, UserAgent: UserAgent}),
		AttemptTimeout: timeout,
		Now:            time.Now,
	}, nil
}

// SetSchedule parses RETRY_SCHEDULE and logs an error if it does not fit into
// retention, the time for which event bodies are kept. Late attempts may then find
// no body. To refuse to start would stop all deliveries.
func (d *Dispatcher) SetSchedule(schedule string, retention time.Duration) error {
	var err error
	if d.Schedule, err = delivery.ParseSchedule(schedule); err != nil {
		return fmt.Errorf("RETRY_SCHEDULE: %w", err)
	}
	if err := d.Schedule.Fits(retention); err != nil {
		d.Log.Error("the retry schedule does not fit into EventRetentionDays", "error", err.Error())
	}
	return nil
}

// maxTimeout is the largest ATTEMPT_TIMEOUT_SECONDS.
const maxTimeout = 15 * time.Second

// UserAgent is the user-agent header of every attempt.
const UserAgent = "webhooks-on-aws/1.0"
