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
		n, problem := parse(query[name], absent, high)
		if problem != 0 {
			refused = append(refused, field(name, problem, high))
		}
		return n
	}
	number, size = integer("page", 1, math.MaxInt), integer("page_size", defaultSize, maxSize)
	before = integer("before", math.MaxInt, math.MaxInt)
	return number, size, before, apperr.Refuse(refused)
}

// parse parses an integer from 1 to high in its canonical form. Other forms ("1.0",
// "+1", "") are errors, because a client that sends them has a bug.
func parse(values []string, absent, high int) (n int, problem apperr.Problem) {
	switch len(values) {
	case 0:
		return absent, 0
	case 1:
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 || n > high || strconv.Itoa(n) != values[0] {
			return 0, apperr.OutOfRange
		}
		return n, 0
	}
	return 0, apperr.GivenTwice
}

// field returns the refusal of a parameter.
func field(name string, problem apperr.Problem, high int) apperr.Field {
	f := apperr.Field{Name: name, Problem: problem}
	if problem == apperr.OutOfRange {
		f.Args = []any{1, high}
	}
	return f
}
