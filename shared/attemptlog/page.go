package attemptlog

// Page is one page of a webhook's logs, the newest first.
type Page struct {
	Logs []Log
	// Number counts from 1; Size is the number of logs of a full page.
	Number, Size int
	// Total is the number of ids from the oldest live log to the newest id. It
	// includes ids that were reserved and never used, because of a crash.
	Total      int64
	TotalPages int64
}

// Window is the range of log ids that a page shows: Low to High, both included. Low
// is greater than High if the page is empty.
type Window struct {
	Low, High  int64
	Total      int64
	TotalPages int64
}

// Empty reports whether w contains no id.
func (w Window) Empty() bool { return w.Low > w.High }

// Paginate returns the window of page number (from 1), with size ids a page, over
// the live ids oldest to last. Page 1 has the newest ids. No id is live if oldest is
// greater than last. Every live id is in the window of exactly one page; a page past
// the end is empty.
func Paginate(oldest, last int64, number, size int) Window {
	w := Window{Low: 1, High: 0}
	if oldest > last {
		return w
	}
	n := int64(size)
	w.Total = last - oldest + 1
	w.TotalPages = (w.Total-1)/n + 1
	// After this comparison the product below is less than last: it cannot
	// overflow, whatever the page number.
	if int64(number) > w.TotalPages {
		return w
	}
	w.High = last - int64(number-1)*n
	w.Low = max(oldest, w.High-n+1)
	return w
}
