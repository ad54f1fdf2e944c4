// Package apperr is the error that reaches a caller of the API.
//
// An [Error] names a [Reason] from a closed list. The reason decides the
// number in the envelope, the HTTP status (through its [Code]) and the
// sentence in each language; the cause goes to the log and nowhere else.
package apperr

import (
	"errors"
	"fmt"
	"time"

	"webhooks/shared/apperr/locale"
)

// Code is the kind of an error, from a closed list. Package httpapi holds the
// one table from codes to HTTP statuses.
type Code string

// The codes.
const (
	Invalid          Code = "invalid"
	Unauthenticated  Code = "unauthenticated"
	Forbidden        Code = "forbidden"
	NotFound         Code = "not_found"
	MethodNotAllowed Code = "method_not_allowed"
	Conflict         Code = "conflict"
	TooLarge         Code = "too_large"
	RateLimited      Code = "rate_limited"
	Unavailable      Code = "unavailable"
	Internal         Code = "internal"
)

// Error is a failure with a sentence for the caller and a cause for the log.
type Error struct {
	Reason Reason
	Args   []any   // fill the verbs of the reason's sentence
	Fields []Field // every refused field, for InvalidFields
	// RetryAfter tells the caller how long to wait; 0 says nothing.
	RetryAfter time.Duration
	Err        error // the cause, for the log only
}

// Field is one refused field of a request and what is wrong with it.
type Field struct {
	Name    string
	Problem Problem
	Args    []any // fill the verbs of the problem's sentence
}

// New returns an error of reason r, whose sentence is filled with args.
func New(r Reason, args ...any) *Error {
	return &Error{Reason: r, Args: args}
}

// Wrap returns an error of reason r that was caused by err.
func Wrap(err error, r Reason, args ...any) *Error {
	return &Error{Reason: r, Args: args, Err: err}
}

// Refuse returns an InvalidFields error that names every refused field, or nil
// when there is none.
func Refuse(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Reason: InvalidFields, Fields: fields}
}

// Code returns the kind of e.
func (e *Error) Code() Code { return e.Reason.entry().code }

// Message returns the sentence for the caller.
func (e *Error) Message(l locale.Locale) string {
	return format(e.Reason.entry().text.In(l), e.Args)
}

// Message returns the sentence for the caller.
func (f Field) Message(l locale.Locale) string {
	return format(f.Problem.text().In(l), f.Args)
}

// Error is for the log: it holds the cause.
func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s", e.Reason, e.Message(locale.English))
	for _, f := range e.Fields {
		text += fmt.Sprintf(" [%s: %s]", f.Name, f.Message(locale.English))
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether err is an [Error] of reason r.
func Is(err error, r Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == r
}

// From returns the [Error] in err's chain. Any other error becomes an internal
// one with a fixed sentence, so that nothing internal reaches a caller.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(err, InternalError)
}

func format(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}
