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

// pageOf reads the number of a page (1 when absent), its size (20 when absent)
// and the log id that all of its logs are below (none when absent), and refuses
// them at once when several are wrong.
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

// parse reads an integer from 1 to high in its canonical form: a client that
// sends "1.0", "+1" or "" has a mistake that it should hear of.
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

func field(name string, problem apperr.Problem, high int) apperr.Field {
	f := apperr.Field{Name: name, Problem: problem}
	if problem == apperr.OutOfRange {
		f.Args = []any{1, high}
	}
	return f
}
