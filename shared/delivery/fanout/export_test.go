package fanout

import "webhooks/shared/event"

// SetDecode replaces event.Decode, to trip a bug that it does not have.
func (f *Fanout) SetDecode(decode func(event.Message) (event.Event, error)) { f.decode = decode }
