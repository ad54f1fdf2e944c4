package attemptlog_test

import (
	"fmt"

	"webhooks/shared/attemptlog"
)

// The logs of a webhook have the ids 1 to 50, and the oldest seven have expired.
func ExamplePaginate() {
	const oldest, last, size = 8, 50, 20
	for number := 1; number <= 4; number++ {
		w := attemptlog.Paginate(oldest, last, number, size)
		if w.Empty() {
			fmt.Printf("page %d of %d: empty\n", number, w.TotalPages)
			continue
		}
		fmt.Printf("page %d of %d: ids %d down to %d of %d logs\n", number, w.TotalPages, w.High, w.Low, w.Total)
	}
	// Output:
	// page 1 of 3: ids 50 down to 31 of 43 logs
	// page 2 of 3: ids 30 down to 11 of 43 logs
	// page 3 of 3: ids 10 down to 8 of 43 logs
	// page 4 of 3: empty
}
