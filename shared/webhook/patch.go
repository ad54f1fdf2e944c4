package webhook

import (
	"slices"
	"time"

	"webhooks/shared/event"
)

// Patch is a partial update: what is nil stays as it is.
type Patch struct {
	Name    *string
	URL     *string
	Secret  *string
	Events  []event.Type
	Enabled *bool
}

// Apply returns w with the changes of p, made at now. Applying it twice is the
// same as once, so that an update may be repeated when its answer was lost.
func (p Patch) Apply(w Webhook, now time.Time) Webhook {
	if p.Name != nil {
		w.Name = *p.Name
	}
	if p.URL != nil {
		w.URL = *p.URL
	}
	if p.Secret != nil {
		w = w.withSecret(*p.Secret, now)
	}
	if p.Events != nil {
		w.Events = slices.Clone(p.Events)
	}
	if p.Enabled != nil {
		w.Enabled = *p.Enabled
	}
	return w
}

// withSecret replaces the secret of w; the old one signs on for
// [SecretOverlap]. The same secret sent again (a GET sent back) changes
// nothing, and a secret that is taken up again is no longer a previous one.
func (w Webhook) withSecret(secret string, now time.Time) Webhook {
	if secret == w.Secret {
		return w
	}
	expires := now.Add(SecretOverlap).UTC().Truncate(time.Second)
	previous := []PreviousSecret{{Secret: w.Secret, ExpiresAt: expires}}
	for _, p := range w.PreviousSecrets {
		if now.Before(p.ExpiresAt) && p.Secret != secret && p.Secret != w.Secret {
			previous = append(previous, p)
		}
	}
	w.PreviousSecrets = previous[:min(len(previous), MaxPreviousSecrets)]
	w.Secret = secret
	return w
}
