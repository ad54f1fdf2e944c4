package main

import (
	"math"
	"net/url"
	"strconv"

	"webhooks/shared/apperr"
)

const (
	defaultSize = 20
	maxSize     = 100
)

// pageOf parses the parameters page (default 1), page_size (default 20) and before (an
// exclusive upper bound of log ids; default none). The error names every invalid parameter.
func pageOf(query url.Values) (number, size, before int, err error) {
	var refused []apperr.Field
	integer := func(name string, absent, high int) int {
		n, ok := parse(query, name, absent, high)
		if !ok {
			refused = append(refused, apperr.Field{Name: name, Problem: apperr.OutOfRange, Args: []any{1, high}})
		}
		return n
	}
	number, size = integer("page", 1, math.MaxInt), integer("page_size", defaultSize, maxSize)
	before = integer("before", math.MaxInt, math.MaxInt)
	return number, size, before, apperr.Refuse(refused)
}

// parse parses an integer from 1 to high in its canonical form. Other forms ("1.0",
// "+1", "") are errors, because a client that sends them has a bug.
func parse(query url.Values, name string, absent, high int) (n int, ok bool) {
	if !query.Has(name) {
		return absent, true
	}
	text := query.Get(name)
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= high && strconv.Itoa(n) == text
}
