// Package apperr holds the messages and errors that callers of the API read.
//
// An [Error] has a [Reason] from a closed list. The reason determines the code in
// the envelope, the HTTP status (through its [Code]) and the sentence in each
// language. The cause of the error goes to the log only. The messages of
// successful responses are the Message constants.
package apperr

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"webhooks/shared/apperr/locale"
)

// Code is the kind of an error, from a closed list. Package httpapi maps each code
// to an HTTP status.
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
	Unsupported      Code = "unsupported"
	RateLimited      Code = "rate_limited"
	Unavailable      Code = "unavailable"
	Internal         Code = "internal"
)

// Error is an error with a sentence for the caller and a cause for the log.
type Error struct {
	Reason Reason
	Args   []any   // for the verbs of the reason's sentence
	Fields []Field // the first invalid fields, for InvalidFields
	// RetryAfter is how long the caller should wait before it retries. 0 sends no
	// Retry-After header.
	RetryAfter time.Duration
	Err        error // the cause, for the log only
}

// Field is an invalid field of a request and its problem.
type Field struct {
	Name    string
	Problem Problem
	Args    []any // for the verbs of the problem's sentence
}

// New returns an error with reason r and args for the verbs of its sentence.
func New(r Reason, args ...any) *Error {
	return &Error{Reason: r, Args: args}
}

// Wrap returns an error with reason r and the cause err.
func Wrap(err error, r Reason, args ...any) *Error {
	return &Error{Reason: r, Args: args, Err: err}
}

// MaxFields is the largest number of fields that one error names. A request of 1 MiB
// can have more than 100,000 unknown fields, and an answer has a limit too.
const MaxFields = 20

// Named returns at most the first [MaxFields] fields, with an [Excerpt] of each name:
// the name of an unknown field is text of the caller.
func Named(fields []Field) []Field {
	named := slices.Clone(fields[:min(len(fields), MaxFields)])
	for i := range named {
		named[i].Name = Excerpt(named[i].Name)
	}
	return named
}

// Refuse returns an InvalidFields error with the [Named] of fields, or nil if there
// are none.
func Refuse(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Reason: InvalidFields, Fields: Named(fields)}
}

// Code returns the kind of e.
func (e *Error) Code() Code { return e.Reason.entry().code }

// Message returns the caller's sentence in l.
func (e *Error) Message(l locale.Locale) string {
	return format(e.Reason.entry().text.In(l), e.Args)
}

// Message returns the caller's sentence in l.
func (f Field) Message(l locale.Locale) string {
	return format(f.Problem.text().In(l), f.Args)
}

// Error returns the text for the log, in English and with the cause.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the first [Error] in err's chain has reason r.
func Is(err error, r Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == r
}

// From returns the first [Error] in err's chain. It wraps any other error as
// InternalError, whose fixed sentence shows the caller no cause.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(err, InternalError)
}

// format replaces the verbs of text by args. Texts among args may come from the
// caller, so it takes an [Excerpt] of each.
func format(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	short := make([]any, 0, len(args))
	for _, arg := range args {
		if long, ok := arg.(string); ok {
			arg = Excerpt(long)
		}
		short = append(short, arg)
	}
	return fmt.Sprintf(text, short...)
}
