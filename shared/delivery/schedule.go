package delivery

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// Schedule holds the waits between the attempts of a delivery: the first one
// is between attempt 1 and attempt 2.
type Schedule []time.Duration

// Bounds of a schedule: no wait beyond a week, and no more than 20 attempts.
const (
	maxWait  = 7 * 24 * time.Hour
	maxWaits = 19
)

// letterTime is how long a dead letter is kept and can be sent back: the
// MessageRetentionPeriod of the queues.
const letterTime = 14 * 24 * time.Hour

// ParseSchedule reads waits in whole seconds, separated by commas.
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	for field := range strings.SplitSeq(text, ",") {
		seconds, err := strconv.Atoi(strings.TrimSpace(field))
		wait := time.Duration(seconds) * time.Second
		if err != nil || seconds < 1 || seconds > int(maxWait/time.Second) {
			return nil, fmt.Errorf("%.32q is not a wait of 1 to %d seconds", field, int(maxWait/time.Second))
		}
		s = append(s, wait)
	}
	if len(s) > maxWaits {
		return nil, fmt.Errorf("a schedule has at most %d waits", maxWaits)
	}
	return s, nil
}

// Fits returns an error if s goes on for longer than the bodies of events are
// kept: its last attempts would find none, nor would a dead letter of one of these
// that is sent back. What receivers ask for with Retry-After comes on top of it.
func (s Schedule) Fits(kept time.Duration) error {
	const day = 24 * time.Hour
	longest := time.Duration(float64(s.Total()) * (1 + spread))
	if need := longest + letterTime; need > kept {
		return fmt.Errorf("the waits take up to %.1f days, and a dead letter is kept for %d more: events must be kept for %d days, and are for %d",
			longest.Hours()/24, letterTime/day, (need+day-1)/day, kept/day)
	}
	return nil
}

// Next returns when the schedule has the attempt after d's due, and false when
// d's is the last one.
func (s Schedule) Next(d Delivery) (due time.Time, more bool) {
	if d.Single || d.Attempt > len(s) {
		return time.Time{}, false
	}
	wait := s[d.Attempt-1]
	return d.planned().Add(wait + time.Duration(float64(wait)*jitter(d))).Truncate(time.Millisecond), true
}

// Total returns the time from the first attempt of a delivery to the last,
// without jitter.
func (s Schedule) Total() time.Duration {
	var total time.Duration
	for _, wait := range s {
		total += wait
	}
	return total
}

// spread is how far the jitter goes to each side.
const spread = 0.2

// jitter returns a number in [-spread, spread) that is a hash of the delivery
// and its attempt: receivers that failed together are not called together, and
// two copies of a delivery still agree.
func jitter(d Delivery) float64 {
	h := fnv.New64a()
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], uint64(d.Webhook.ID))
	binary.BigEndian.PutUint64(numbers[8:], uint64(d.Attempt))
	// Writing to a hash never fails.
	_, _ = h.Write([]byte(d.Webhook.TenantID + "#" + d.Event.ID + "#"))
	_, _ = h.Write(numbers[:])
	// FNV leaves the high bits of near inputs alike; one multiplication by an
	// odd constant (that of splitmix64) spreads them.
	x := h.Sum64()
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	return spread * (float64(x>>11)/(1<<52) - 1)
}
