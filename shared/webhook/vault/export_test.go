package vault

import "time"

// SetClock replaces [time.Now], by which data keys age.
func (v *Vault) SetClock(now func() time.Time) { v.keys.now = now }

// SetMaxKeys replaces [MaxKeys].
func (v *Vault) SetMaxKeys(n int) { v.keys.maxKeys = n }
