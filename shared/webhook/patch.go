package webhook

import (
	"slices"
	"time"

	"webhooks/shared/event"
)

// Patch is a partial update. Nil fields keep their values.
type Patch struct {
	Name      *string
	URL       *string
	Secret    *string
	Events    []event.Type
	Enabled   *bool
	RateLimit *float64 // 0 for none
}

// Apply returns w with the changes of p, made at now. It is idempotent, so a
// client can repeat an update whose response was lost. A new secret replaces the
// old one with the overlap [SecretOverlap]; the error is that of [Rotation.Apply].
func (p Patch) Apply(w Webhook, now time.Time) (Webhook, error) {
	if p.Name != nil {
		w.Name = *p.Name
	}
	if p.URL != nil {
		w.URL = *p.URL
	}
	if p.Secret != nil {
		var err error
		if w, err = (Rotation{Secret: *p.Secret, Overlap: SecretOverlap}).Apply(w, now); err != nil {
			return Webhook{}, err
		}
	}
	if p.Events != nil {
		w.Events = slices.Clone(p.Events)
	}
	if p.Enabled != nil {
		w.Enabled = *p.Enabled
	}
	if p.RateLimit != nil {
		w.RateLimit = *p.RateLimit
	}
	return w, nil
}
