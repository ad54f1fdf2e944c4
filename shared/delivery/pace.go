package delivery

import "time"

// slotGrace is how long after its slot a delivery may still begin. Later ones need
// another slot: otherwise a backlog would come as a burst.
const slotGrace = 5 * time.Second

// stayInTable is how long a delivery with a later slot stays in the retries table before
// it comes back, about: 16 to 76 minutes. A changed rate limit reaches it then. Shorter
// stays would let a backlog of days move through the table and the queue more often, and
// each move is paid.
const stayInTable = time.Hour

// InSlot returns d with the slot at which its attempt begins, reserved under a rate
// limit. It is due at the slot, and the same attempt. Its later due times do not depend
// on the slot: copies of a delivery have different ones.
func (d Delivery) InSlot(slot time.Time, rate float64) Delivery {
	d.First, d.Planned = d.FirstDue(), d.planned()
	d.Due, d.Rate = slot, rate
	return d
}

// HasSlot reports whether d has a slot that it can use at now under a rate limit: one
// that was reserved under this limit and is not long past.
func (d Delivery) HasSlot(rate float64, now time.Time) bool {
	return d.Rate == rate && rate != 0 && !now.After(d.Due.Add(slotGrace))
}

// Early returns how long before its due time d comes back from the retries table if it is
// stored at now. It is not zero only for a slot that is far ahead: a multiple of
// stayInTable. So copies of a delivery that are stored at different times come back at the
// same time, unless one of these times lies between them.
func (d Delivery) Early(now time.Time) time.Duration {
	if d.Rate == 0 {
		return 0
	}
	return max(0, d.Due.Sub(now)-minHold).Truncate(stayInTable)
}

// Delay returns how long a queue should delay the message of d that is sent at now. It
// is not positive if d is due. A queue delays by whole seconds. A delivery that has a
// slot comes in the second before it, and the dispatcher waits for the rest: with delays
// rounded up, all deliveries of a second would come at its end.
func (d Delivery) Delay(now time.Time) time.Duration {
	wait := d.Due.Sub(now)
	if d.Rate != 0 {
		return wait.Truncate(time.Second)
	}
	return wait
}
