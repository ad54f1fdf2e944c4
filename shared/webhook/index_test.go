package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// Stored indexes contain these bits. Changing one would change every customer's
// subscriptions.
func TestTheBitsOfAMaskNeverChange(t *testing.T) {
	t.Parallel()
	pinned := map[event.Type]webhook.Mask{
		"environment.created": 1 << 1,
		"environment.started": 1 << 2,
		"environment.stopped": 1 << 3,
		"environment.deleted": 1 << 4,
		"training.started":    1 << 5,
		"training.completed":  1 << 6,
		"training.failed":     1 << 7,
		"alert.triggered":     1 << 8,
		"alert.resolved":      1 << 9,
	}
	for _, known := range event.Types() {
		w := webhook.Webhook{Events: []event.Type{known}}
		if want, ok := pinned[known]; !ok || w.Mask() != want {
			t.Errorf("%s has the mask %b, want %b (pin a new type here)", known, w.Mask(), want)
		}
	}
	if got := (webhook.Webhook{Enabled: true}).Mask(); got != 1 {
		t.Errorf("enabled is %b, want bit 0", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	mask := func(enabled bool, types ...event.Type) webhook.Mask {
		return webhooktest.Webhook("acme", func(w *webhook.Webhook) { w.Enabled, w.Events = enabled, types }).Mask()
	}
	x := webhook.Index{
		30: mask(true, event.TrainingFailed),
		4:  mask(true, event.AlertResolved, event.TrainingFailed),
		5:  mask(false, event.TrainingFailed),
		6:  mask(true, event.AlertResolved),
	}
	tests := []struct {
		name  string
		index webhook.Index
		event event.Type
		want  []int64
	}{
		{name: "subscribed and enabled, ascending", index: x, event: event.TrainingFailed, want: []int64{4, 30}},
		{name: "nobody subscribed", index: x, event: event.EnvironmentCreated, want: nil},
		{name: "a type without subscriptions", index: x, event: event.Test, want: nil},
		{name: "no webhooks", index: nil, event: event.TrainingFailed, want: nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, tt.index.Match(tt.event)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	index := make(webhook.Index)
	for id := range int64(webhook.MaxPerTenant) {
		index[id+1] = webhooktest.Webhook("acme").Mask()
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(index.Match(event.EnvironmentCreated)); n != webhook.MaxPerTenant {
			b.Fatalf("%d webhooks match, want %d", n, webhook.MaxPerTenant)
		}
	}
}
