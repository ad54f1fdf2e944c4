package webhook

import (
	"bytes"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/strictjson"
	"webhooks/shared/webhook/signature"
)

// MaxOverlapDays is how many days a replaced secret may go on signing.
const MaxOverlapDays = 7

// Rotation replaces the secret of a webhook.
type Rotation struct {
	Secret string // the new one
	// Overlap is how long the replaced secret signs beside the new one. With 0
	// it stops at once, and so does every secret that was replaced before it.
	Overlap time.Duration
}

// DecodeRotation reads the body of a rotation and makes the new secret. The body
// may be empty; its only field is overlap_days, an integer from 0 to
// [MaxOverlapDays], without which the overlap is [SecretOverlap]. It returns
// InvalidJSON for what is not one JSON object, and InvalidFields for a field
// that is unknown or not acceptable.
func DecodeRotation(body []byte) (Rotation, error) {
	r := Rotation{Secret: signature.NewSecret(), Overlap: SecretOverlap}
	if len(bytes.TrimSpace(body)) == 0 {
		return r, nil
	}
	d, err := newDecoder(body, nil, false)
	if err != nil {
		return Rotation{}, err
	}
	if days := d.integer("overlap_days", 0, MaxOverlapDays); days != nil {
		r.Overlap = time.Duration(*days) * 24 * time.Hour
	}
	d.refuseRest()
	if err := apperr.Refuse(d.refused); err != nil {
		return Rotation{}, err
	}
	return r, nil
}

// integer reads a number that may be left out.
func (d *decoder) integer(name string, low, high int64) *int64 {
	value, ok := d.take(name, false)
	if !ok {
		return nil
	}
	n, ok := strictjson.Int(value)
	if !ok || n < low || n > high {
		d.refuse(name, apperr.OutOfRange, low, high)
		return nil
	}
	return &n
}

// Apply returns w with the new secret since now; the old one signs on for the
// overlap. At most [MaxPreviousSecrets] replaced secrets are kept, the newest
// ones. The same secret again (a GET sent back, a repeated write) changes
// nothing, and a secret that is taken up again is no longer a replaced one.
func (r Rotation) Apply(w Webhook, now time.Time) Webhook {
	if r.Secret == w.Secret {
		return w
	}
	replaced := w.Secret
	w.Secret = r.Secret
	if r.Overlap <= 0 {
		w.PreviousSecrets = nil
		return w
	}
	expires := now.Add(r.Overlap).UTC().Truncate(time.Second)
	previous := []PreviousSecret{{Secret: replaced, ExpiresAt: expires}}
	for _, p := range w.PreviousSecrets {
		if now.Before(p.ExpiresAt) && p.Secret != r.Secret && p.Secret != replaced {
			previous = append(previous, p)
		}
	}
	w.PreviousSecrets = previous[:min(len(previous), MaxPreviousSecrets)]
	return w
}
