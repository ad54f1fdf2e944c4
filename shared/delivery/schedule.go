package delivery

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// Schedule is the retry schedule: the waits between the attempts of a delivery. The
// first wait is between attempts 1 and 2.
type Schedule []time.Duration

// Limits of a schedule: waits of at most a week, and at most 20 attempts.
const (
	maxWait  = 7 * 24 * time.Hour
	maxWaits = 19
)

// letterRetention is how long a dead letter is kept and can be redriven: the
// MessageRetentionPeriod of the dead-letter queues.
const letterRetention = 14 * 24 * time.Hour

// ParseSchedule parses the waits of a schedule: whole seconds, separated by commas.
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

// Fits returns an error if events expire before the last attempt, or before its dead
// letter does: the attempt, or a redriven dead letter, would find no body. Waits that
// receivers request with Retry-After are not counted.
func (s Schedule) Fits(retention time.Duration) error {
	const day = 24 * time.Hour
	longest := time.Duration(float64(s.Total()) * (1 + maxJitter))
	if need := longest + letterRetention; need > retention {
		return fmt.Errorf("the waits take up to %.1f days, and a dead letter is kept for %d more: events must be kept for %d days but are kept for %d",
			longest.Hours()/24, letterRetention/day, (need+day-1)/day, retention/day)
	}
	return nil
}

// Next returns the due time of the attempt after d's by the schedule alone, and false
// if d's is the last one.
func (s Schedule) Next(d Delivery) (due time.Time, more bool) {
	if d.Single || d.Attempt > len(s) {
		return time.Time{}, false
	}
	wait := s[d.Attempt-1]
	return d.planned().Add(wait + time.Duration(float64(wait)*jitter(d))).Truncate(time.Millisecond), true
}

// Total returns the time from the first attempt to the last, without jitter.
func (s Schedule) Total() time.Duration {
	var total time.Duration
	for _, wait := range s {
		total += wait
	}
	return total
}

// maxJitter is the largest jitter, as a fraction of the wait.
const maxJitter = 0.2

// jitter returns a number in [-maxJitter, maxJitter), a hash of the delivery and its
// attempt: deliveries that failed together spread, and copies of a delivery get the
// same jitter.
func jitter(d Delivery) float64 {
	h := fnv.New64a()
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], uint64(d.Webhook.ID))
	binary.BigEndian.PutUint64(numbers[8:], uint64(d.Attempt))
	// Write of a hash never returns an error.
	_, _ = h.Write([]byte(d.Webhook.TenantID + "#" + d.Event.ID + "#"))
	_, _ = h.Write(numbers[:])
	// FNV hashes of similar inputs have similar high bits. These steps of splitmix64
	// mix them.
	x := h.Sum64()
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	return maxJitter * (float64(x>>11)/(1<<52) - 1)
}
