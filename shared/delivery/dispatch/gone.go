package dispatch

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"webhooks/shared/delivery/inbound"
	"webhooks/shared/webhook"
)

// disableTimeout limits the disabling of one webhook.
const disableTimeout = 5 * time.Second

// goneOf returns the webhooks whose receivers answered 410 Gone in results.
func goneOf(results []result) map[webhook.Key]webhook.Webhook {
	var gone map[webhook.Key]webhook.Webhook
	for _, r := range results {
		if r.gone {
			if gone == nil {
				gone = make(map[webhook.Key]webhook.Webhook)
			}
			gone[r.webhook.Key()] = r.webhook
		}
	}
	return gone
}

// disable disables webhooks, several at a time. It is called after the logs of their
// attempts are written: otherwise a crash in between would leave a disabled webhook and
// no log that says why. An error does not repeat the attempt: the next delivery is
// answered 410 too.
func (d *Dispatcher) disable(ctx context.Context, gone map[webhook.Key]webhook.Webhook) {
	var group errgroup.Group
	group.SetLimit(maxUpdates)
	for _, w := range gone {
		group.Go(func() error {
			_ = d.Protect(ctx, "disabling a webhook", func() { d.disableOne(ctx, w) })
			return nil
		})
	}
	_ = group.Wait() // disableOne logs its errors
}

func (d *Dispatcher) disableOne(ctx context.Context, w webhook.Webhook) {
	ctx, cancel := context.WithTimeout(ctx, disableTimeout)
	defer cancel()
	disabled, err := d.Webhooks.Disable(ctx, w.Key(), w.Revision, d.Now())
	if err != nil {
		d.Log.Log(ctx, inbound.Level(err), "the webhook answered 410 and could not be disabled",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "error", err.Error())
		return
	}
	d.Log.InfoContext(ctx, "webhook answered 410", "tenant_id", w.TenantID, "webhook_id", w.ID, "disabled", disabled)
}
