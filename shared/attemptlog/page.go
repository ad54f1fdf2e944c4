package attemptlog

// Page is one page of a webhook's logs, the newest first.
type Page struct {
	Logs []Log
	// Number counts from 1; Size is how many logs a full page has.
	Number, Size int
	// Total counts the ids from the oldest live log to the last one given. An
	// id that was given but never used (a crash) counts too.
	Total      int64
	TotalPages int64
}

// Window is what of a webhook's logs a page shows: the ids Low to High, both
// included. Low is greater than High when the page is empty.
type Window struct {
	Low, High  int64
	Total      int64
	TotalPages int64
}

// Empty reports whether the window shows nothing.
func (w Window) Empty() bool { return w.Low > w.High }

// Paginate returns the window of page number (from 1) with size logs a page
// over the live ids oldest to last, the newest first. There is no live id when
// oldest is greater than last. The windows of all pages are disjoint and
// together they are exactly the live ids; a page past the end is empty.
func Paginate(oldest, last int64, number, size int) Window {
	w := Window{Low: 1, High: 0}
	if oldest > last {
		return w
	}
	n := int64(size)
	w.Total = last - oldest + 1
	w.TotalPages = (w.Total-1)/n + 1
	// Comparing first keeps the product below last: a page number of any size
	// cannot overflow.
	if int64(number) > w.TotalPages {
		return w
	}
	w.High = last - int64(number-1)*n
	w.Low = max(oldest, w.High-n+1)
	return w
}
