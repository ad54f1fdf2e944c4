package webhook

import (
	"slices"

	"webhooks/shared/event"
)

// Mask is a webhook's entry in the tenant's subscription index:
//
//	bit 0      the webhook is enabled
//	bit n + 1  it is subscribed to the event type whose [event.Type.Bit] is n
//
// Stored masks outlive every release: a bit never gets another meaning.
type Mask uint64

const enabledBit Mask = 1

// Mask returns the mask of w.
func (w Webhook) Mask() Mask {
	var mask Mask
	if w.Enabled {
		mask |= enabledBit
	}
	for _, t := range w.Events {
		mask |= typeBit(t)
	}
	return mask
}

// MaskAfter returns the mask of w that replaces stored. During a deployment and after a
// roll-back, w may have event types that this version does not know. Their bits stay as
// they are in stored: without them the subscription would end, also for the version
// that knows them.
func (w Webhook) MaskAfter(stored Mask) Mask {
	mask := w.Mask()
	for _, t := range w.Events {
		if _, known := t.Bit(); !known {
			return mask | stored&^knownBits()
		}
	}
	return mask
}

// knownBits returns the bits that have a meaning in this version.
func knownBits() Mask {
	bits := enabledBit
	for _, t := range event.Types() {
		bits |= typeBit(t)
	}
	return bits
}

// typeBit returns the bit of t, or 0 for a type without subscriptions.
func typeBit(t event.Type) Mask {
	bit, known := t.Bit()
	if !known {
		return 0
	}
	return enabledBit << (bit + 1)
}

// Index is the subscription index of a tenant: the masks of its webhooks by id.
// It changes in the same transaction as the webhook, so it is never stale.
type Index map[int64]Mask

// Match returns the ids of the enabled webhooks that are subscribed to t, in
// ascending order.
func (x Index) Match(t event.Type) []int64 {
	bit := typeBit(t)
	if bit == 0 {
		return nil
	}
	want := enabledBit | bit
	var ids []int64
	for id, mask := range x {
		if mask&want == want {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
