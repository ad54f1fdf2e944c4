package delivery_test

import (
	"fmt"
	"time"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
)

// The default schedule has ten attempts. Each wait has a jitter of up to 20 %.
func ExampleParseSchedule() {
	s, err := delivery.ParseSchedule("5,300,1800,7200,18000,36000,50400,72000,86400")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("attempt 1")
	for i, wait := range s {
		fmt.Printf("attempt %d follows after %v\n", i+2, wait)
	}
	fmt.Println("in all", s.Total())
	// Output:
	// attempt 1
	// attempt 2 follows after 5s
	// attempt 3 follows after 5m0s
	// attempt 4 follows after 30m0s
	// attempt 5 follows after 2h0m0s
	// attempt 6 follows after 5h0m0s
	// attempt 7 follows after 10h0m0s
	// attempt 8 follows after 14h0m0s
	// attempt 9 follows after 20h0m0s
	// attempt 10 follows after 24h0m0s
	// in all 75h35m5s
}

// The second attempt fails with 503 and Retry-After: 3600. By the schedule the third
// is due about five minutes later. It is due an hour later instead, rounded up to a
// quarter of an hour.
func ExampleSchedule_Decide() {
	s, err := delivery.ParseSchedule("5,300,1800,7200,18000,36000,50400,72000,86400")
	if err != nil {
		fmt.Println(err)
		return
	}
	d := sample()
	d.Attempt, d.Due = 2, time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	now := d.Due.Add(200 * time.Millisecond)
	v := s.Decide(d, attempt.Result{StatusCode: 503, RetryAfter: time.Hour}, now)
	fmt.Println(v.Outcome)
	fmt.Println("by the schedule:", v.Next.Format(time.TimeOnly))
	fmt.Println("after Retry-After:", v.At.Format(time.TimeOnly))
	fmt.Println("next attempt:", d.Following(v).Attempt)
	// Output:
	// retrying
	// by the schedule: 10:05:41
	// after Retry-After: 11:15:00
	// next attempt: 3
}

// While the circuit breaker of a webhook is open, its deliveries wait without a
// request, and the attempt is not used up.
func ExampleSchedule_Hold() {
	s, err := delivery.ParseSchedule("5,300,1800")
	if err != nil {
		fmt.Println(err)
		return
	}
	d := sample()
	d.Due = time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	for now := d.Due; !s.Over(d, now); now = d.Due {
		d = s.Hold(d, now)
		fmt.Printf("attempt %d is due %v after the first due time\n", d.Attempt, d.Due.Sub(d.FirstDue()).Round(time.Second))
	}
	// Output:
	// attempt 1 is due 18m15s after the first due time
	// attempt 1 is due 35m5s after the first due time
}
