package webhookdb_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// setIndex makes mask the only entry of the index, without the store.
func (b bundle) setIndex(t *testing.T, id int64, mask webhook.Mask) {
	t.Helper()
	b.set(t, 0, "index", &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
		strconv.FormatInt(id, 10): &types.AttributeValueMemberN{Value: strconv.FormatUint(uint64(mask), 10)},
	}})
}

// TestEveryChangeKeepsTheSubscriptionsOfTheNextVersion: an item of a version that has
// another event type, handled by this one after a roll-back.
func TestEveryChangeKeepsTheSubscriptionsOfTheNextVersion(t *testing.T) {
	t.Parallel()
	const newBit = webhook.Mask(1) << 40
	events := &types.AttributeValueMemberL{Value: []types.AttributeValue{
		&types.AttributeValueMemberS{Value: "alert.resolved"}, &types.AttributeValueMemberS{Value: "alert.muted"},
	}}
	known := webhook.Webhook{Events: []event.Type{event.AlertResolved}, Enabled: true}.Mask()
	tests := []struct {
		name   string
		change func(t *testing.T, b bundle, key webhook.Key) error
		want   webhook.Mask
	}{
		{name: "off", want: known&^1 | newBit, change: func(t *testing.T, b bundle, key webhook.Key) error {
			_, err := b.Update(t.Context(), key, b.now, enable(false))
			return err
		}},
		{name: "off and on", want: known | newBit, change: func(t *testing.T, b bundle, key webhook.Key) error {
			_, off := b.Update(t.Context(), key, b.now, enable(false))
			_, on := b.Update(t.Context(), key, b.now, enable(true))
			return errors.Join(off, on)
		}},
		{name: "another name", want: known | newBit, change: func(t *testing.T, b bundle, key webhook.Key) error {
			_, err := b.Update(t.Context(), key, b.now, rename("other"))
			return err
		}},
		{name: "disabled by a receiver", want: known&^1 | newBit, change: func(t *testing.T, b bundle, key webhook.Key) error {
			_, err := b.Disable(t.Context(), key, 1, b.now)
			return err
		}},
		{name: "other events", want: known, change: func(t *testing.T, b bundle, key webhook.Key) error {
			_, err := b.Update(t.Context(), key, b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
				w.Events = []event.Type{event.AlertResolved}
				return w, nil
			})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.create(t)
			b.set(t, w.ID, "events", events)
			b.setIndex(t, w.ID, known|newBit)
			if err := tt.change(t, b, w.Key()); err != nil {
				t.Fatal(err)
			}
			if got := b.index(t)[w.ID]; got != tt.want {
				t.Errorf("the entry in the index is %b, want %b", got, tt.want)
			}
		})
	}
}

// TestAnUpdateRepairsTheIndex: an earlier version wrote the entry without an event
// type, and the customer sends the same webhook again.
func TestAnUpdateRepairsTheIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	for name, change := range map[string]func(webhook.Webhook) (webhook.Webhook, error){
		"the same webhook": func(w webhook.Webhook) (webhook.Webhook, error) { return w, nil },
		"another name":     rename("other"),
	} {
		b.setIndex(t, w.ID, 1)
		if _, err := b.Update(t.Context(), w.Key(), b.now, change); err != nil {
			t.Fatal(err)
		}
		if got := b.index(t)[w.ID]; got != w.Mask() {
			t.Errorf("%s: the entry in the index is %b, want %b", name, got, w.Mask())
		}
	}
}
