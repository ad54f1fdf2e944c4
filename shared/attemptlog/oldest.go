package attemptlog

// State is what a probe found in a bucket, judged by the bucket's newest log.
type State int

// The states. Empty means nothing by itself: its logs may have been deleted
// after they expired, or its ids may have been given and never used.
const (
	Empty State = iota
	Expired
	Live
)

// Probe looks at buckets and returns the state of each. It may look at all of
// them at once.
type Probe func(buckets []int64) ([]State, error)

// FirstLive returns the first of the buckets 0 to count-1 that is live, or
// count when none is. Buckets grow older towards 0: nothing is live before an
// expired bucket.
//
// A bisection cannot tell an empty bucket that was deleted from one that was
// never written. It takes it for deleted, and where that is wrong it ends just
// after the hole. So it then looks back: at every one of the nearest buckets,
// and in doubling steps as far as an expired one. A live bucket there unmasks
// the hole, and the search goes on before it. That is exact for holes of fewer
// than [nearBuckets] buckets in a row, and for a longer one when the live
// buckets before it are at least as many; each costs one more round.
func FirstLive(count int64, probe Probe) (int64, error) {
	s := search{probe: probe}
	first := count
	for {
		var err error
		if first, err = s.bisect(first); err != nil {
			return 0, err
		}
		earlier, err := s.lookBack(first)
		if err != nil {
			return 0, err
		}
		if earlier == first {
			return first, nil
		}
		first = earlier
	}
}

// nearBuckets is how many buckets before the found one are looked at without a
// gap.
const nearBuckets = 8

// search remembers that no bucket before low is live.
type search struct {
	probe Probe
	low   int64
}

// bisect returns the first live bucket before high, or high, with every empty
// bucket taken for a deleted one.
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

// lookBack returns the earliest live bucket that it sees before found, or
// found.
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
	for i, bucket := range buckets { // ever earlier
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
