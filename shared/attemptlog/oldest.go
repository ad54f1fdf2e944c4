package attemptlog

// State is the state of a bucket, given by its newest log.
type State int

// The states. A bucket is Empty if its logs were deleted after they expired, or if
// its ids were reserved and never used: the bucket alone does not tell which.
const (
	Empty State = iota
	Expired
	Live
)

// Probe returns the state of each of buckets. It may read them concurrently.
type Probe func(buckets []int64) ([]State, error)

// FirstLive returns the first live bucket of 0 to count-1, or count if none is live.
// A lower bucket is older, and no bucket below an expired one is live.
//
// It bisects, and treats an empty bucket as one whose logs were deleted. If the
// bucket was never written (a hole), the bisection ends just above the hole. So
// FirstLive then probes below its result: first each of the next [nearBuckets]
// buckets, then buckets at doubling distances, until one is expired. If one of them
// is live, it searches again below that bucket. The result is exact if every hole is
// shorter than [nearBuckets], or no longer than the run of live buckets below it.
// Each hole costs one more round.
func FirstLive(count int64, probe Probe) (int64, error) {
	s := search{probe: probe}
	first := count
	for {
		var err error
		if first, err = s.bisect(first); err != nil {
			return 0, err
		}
		lower, err := s.lookBack(first)
		if err != nil {
			return 0, err
		}
		if lower == first {
			return first, nil
		}
		first = lower
	}
}

// nearBuckets is how many buckets below the result are probed without a gap.
const nearBuckets = 8

// search is the state of FirstLive.
type search struct {
	probe Probe
	low   int64 // no bucket below low is live
}

// bisect returns the first live bucket below high, or high. It treats every empty
// bucket as one whose logs were deleted.
func (s *search) bisect(high int64) (int64, error) {
	low := s.low
	for low < high {
		middle := low + (high-low)/2
		states, err := s.probe([]int64{middle})
		if err != nil {
			return 0, err
		}
		switch states[0] {
		case Live:
			high = middle
		case Expired:
			low, s.low = middle+1, middle+1
		case Empty:
			low = middle + 1
		}
	}
	return high, nil
}

// lookBack returns the lowest live bucket that it finds below found, or found.
func (s *search) lookBack(found int64) (int64, error) {
	var buckets []int64
	for step := int64(1); step <= found-s.low; {
		buckets = append(buckets, found-step)
		if step < nearBuckets {
			step++
		} else {
			step *= 2
		}
	}
	if len(buckets) == 0 {
		return found, nil
	}
	states, err := s.probe(buckets)
	if err != nil {
		return 0, err
	}
	for i, bucket := range buckets { // from high to low
		switch states[i] {
		case Live:
			found = bucket
		case Expired:
			s.low = bucket + 1
			return found, nil
		case Empty:
		}
	}
	return found, nil
}
