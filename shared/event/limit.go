package event

import "time"

// Limit is how fast a tenant may publish over HTTP. It is a bucket of Burst tokens, one
// for each event, that fills at Rate tokens a second.
//
// The bucket is stored as one time: when it will be full again. This is the virtual
// scheduling algorithm of GCRA (ITU-T I.371, annex A).
type Limit struct {
	Rate  int // events per second; 0 is no limit
	Burst int // events, at least 1
}

// Fill returns the time that n tokens take to fill.
func (l Limit) Fill(n int) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(l.Rate)
}

// Wait returns how long a request of n events at now must wait while the bucket is full
// again at full; 0 means that it need not wait.
func (l Limit) Wait(full time.Time, n int, now time.Time) time.Duration {
	return max(0, full.Add(l.Fill(n)).Sub(now)-l.Fill(l.Burst))
}

// LimitOf reads the limit from the variables PUBLISH_RATE and PUBLISH_BURST by integer,
// which returns a variable between two numbers.
func LimitOf(integer func(name string, low, high int) int) Limit {
	return Limit{Rate: integer("PUBLISH_RATE", 0, 100_000), Burst: integer("PUBLISH_BURST", 1, 1_000_000)}
}
