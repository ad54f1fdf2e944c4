package dispatch

import (
	"context"
	"fmt"
	"runtime/debug"
)

// A panic that nobody recovers ends the process, and all messages of its batch are
// received again: also those whose attempts were made. So whatever this package
// runs beside or after attempts goes through one of these.

// survive runs what nothing waits for. A panic is logged and has no other
// consequence.
func (d *Dispatcher) survive(ctx context.Context, doing string, f func()) {
	_ = d.guard(ctx, doing, f)
}

// each returns what call answers for each of n, or its panic for all of them.
func (d *Dispatcher) each(ctx context.Context, doing string, n int, call func() []error) (failures []error) {
	if err := d.guard(ctx, doing, func() { failures = call() }); err != nil {
		failures = make([]error, n)
		for i := range failures {
			failures[i] = err
		}
	}
	return failures
}

// guard runs f and returns its panic, which it logs.
func (d *Dispatcher) guard(ctx context.Context, doing string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while %s: %v", doing, p)
			d.Log.ErrorContext(ctx, "panic", "doing", doing, "error", err.Error(), "stack", string(debug.Stack()))
		}
	}()
	f()
	return nil
}
