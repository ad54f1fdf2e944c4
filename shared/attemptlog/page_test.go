package attemptlog_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
)

func TestPagesPartitionTheLiveIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 100).Draw(t, "size")
		live := rapid.Int64Range(0, 1000).Draw(t, "live")
		oldest := rapid.Int64Range(1, math.MaxInt64-1000).Draw(t, "oldest")
		last := oldest + live - 1
		next := last // the High of the next page
		pages := attemptlog.Paginate(oldest, last, 1, size).TotalPages
		for number := 1; int64(number) <= pages; number++ {
			w := attemptlog.Paginate(oldest, last, number, size)
			if w.High != next || w.Empty() || w.High-w.Low >= int64(size) {
				t.Fatalf("page %d shows the ids %d to %d, want it to begin with %d", number, w.Low, w.High, next)
			}
			if w.Total != live || w.TotalPages != pages {
				t.Fatalf("page %d has totals %d and %d, want %d and %d", number, w.Total, w.TotalPages, live, pages)
			}
			next = w.Low - 1
		}
		if next != oldest-1 {
			t.Fatalf("the pages end before %d, want them to end with %d", next, oldest)
		}
		past := rapid.Int64Min(pages+1).Draw(t, "past the end")
		if w := attemptlog.Paginate(oldest, last, int(past), size); !w.Empty() || w.Total != live || w.TotalPages != pages {
			t.Fatalf("page %d past the end is %+v, want it empty with the totals", past, w)
		}
	})
}

func TestPaginate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		oldest, last int64
		number, size int
		want         attemptlog.Window
	}{
		{name: "no logs", oldest: 1, last: 0, number: 1, size: 20, want: attemptlog.Window{Low: 1, High: 0}},
		{name: "all logs expired", oldest: 51, last: 50, number: 1, size: 20, want: attemptlog.Window{Low: 1, High: 0}},
		{name: "the contract's example", oldest: 1, last: 50, number: 1, size: 20, want: attemptlog.Window{Low: 31, High: 50, Total: 50, TotalPages: 3}},
		{name: "a short last page", oldest: 1, last: 50, number: 3, size: 20, want: attemptlog.Window{Low: 1, High: 10, Total: 50, TotalPages: 3}},
		{name: "older logs expired", oldest: 40, last: 50, number: 1, size: 20, want: attemptlog.Window{Low: 40, High: 50, Total: 11, TotalPages: 1}},
		{name: "a page number that would overflow", oldest: 1, last: 50, number: math.MaxInt, size: 100, want: attemptlog.Window{Low: 1, High: 0, Total: 50, TotalPages: 1}},
		{name: "the most logs that an id can count", oldest: 1, last: math.MaxInt64, number: 1, size: 1, want: attemptlog.Window{Low: math.MaxInt64, High: math.MaxInt64, Total: math.MaxInt64, TotalPages: math.MaxInt64}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := attemptlog.Paginate(tt.oldest, tt.last, tt.number, tt.size)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("window (-want +got):\n%s", diff)
			}
		})
	}
}
