package jwks

import (
	"context"
	"time"
)

// Pausing makes k call pause instead of waiting for another instance's fetch.
func (k *Keys) Pausing(pause func(context.Context, time.Duration) error) *Keys {
	k.pause = pause
	return k
}
