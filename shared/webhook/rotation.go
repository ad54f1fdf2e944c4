package webhook

import (
	"bytes"
	"slices"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/strictjson"
	"webhooks/shared/webhook/signature"
)

// MaxOverlapDays is the longest overlap of a [Rotation] in days.
const MaxOverlapDays = 7

// Rotation replaces the secret of a webhook.
type Rotation struct {
	Secret string // the new one
	// Overlap is how long the replaced secret signs along with the new one. With 0,
	// it and all secrets replaced earlier stop at once.
	Overlap time.Duration
}

// DecodeRotation decodes the body of a rotation and generates the new secret.
// The body may be empty. Its only field is overlap_days, an integer from 0 to
// [MaxOverlapDays]; the default overlap is [SecretOverlap]. It returns
// InvalidJSON unless the body is one JSON object, and InvalidFields for an
// unknown or invalid field.
func DecodeRotation(body []byte) (Rotation, error) {
	r := Rotation{Secret: signature.NewSecret(), Overlap: SecretOverlap}
	if len(bytes.TrimSpace(body)) == 0 {
		return r, nil
	}
	d, err := newDecoder(body, nil, true)
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

// integer takes an optional field, an integer from low to high.
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

// Apply returns w with the new secret. The replaced secret signs until now plus
// the overlap, and secrets replaced earlier as long as promised then. It returns
// TooManySecrets if more than [MaxPreviousSecrets] would sign beside the new one.
//
// Apply replaces nothing if the key is current already (a GET sent back, a repeated
// write, the same bytes in another form). A replaced secret that becomes current
// again leaves the replaced ones.
func (r Rotation) Apply(w Webhook, now time.Time) (Webhook, error) {
	if signature.SameKey(r.Secret, w.Secret) {
		w.Secret = r.Secret
		return w, nil
	}
	replaced := w.Secret
	w.Secret = r.Secret
	if r.Overlap <= 0 {
		w.PreviousSecrets = nil
		return w, nil
	}
	expires := now.Add(r.Overlap).UTC().Truncate(time.Second)
	previous := []PreviousSecret{{Secret: replaced, ExpiresAt: expires}}
	for _, p := range w.PreviousSecrets {
		if now.Before(p.ExpiresAt) && !signature.SameKey(p.Secret, r.Secret) {
			previous = append(previous, p)
		}
	}
	if len(previous) > MaxPreviousSecrets {
		// As Svix does: receivers that still use the oldest secret would fail early.
		earliest := slices.MinFunc(previous[1:], func(a, b PreviousSecret) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
		return Webhook{}, apperr.New(apperr.TooManySecrets, MaxPreviousSecrets, earliest.ExpiresAt.Format(time.RFC3339))
	}
	w.PreviousSecrets = previous
	return w, nil
}
