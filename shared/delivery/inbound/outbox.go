package inbound

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Outbox collects what one call sends or writes, each item with its owner. The
// zero value is empty.
type Outbox[Owner, Item any] struct {
	owners []Owner
	items  []Item
}

// Add adds item for owner, who may own several items.
func (o *Outbox[Owner, Item]) Add(owner Owner, item Item) {
	o.owners, o.items = append(o.owners, owner), append(o.items, item)
}

// Len returns the number of items.
func (o *Outbox[Owner, Item]) Len() int { return len(o.items) }

// Post passes all items to send, which returns one error for each, and hands each
// owner the error of its item, nil on success. If send panics or returns too few
// errors, every item gets an error. Post does not call send without items.
func (o *Outbox[Owner, Item]) Post(ctx context.Context, c Consumer, doing string, send func(context.Context, []Item) []error, settle func(Owner, error)) {
	if len(o.items) == 0 {
		return
	}
	var failures []error
	panicked := c.Protect(ctx, doing, func() {
		failures = send(ctx, o.items)
		_ = failures[len(o.items)-1] // panics if errors are missing
	})
	for i, owner := range o.owners {
		if panicked != nil {
			settle(owner, panicked)
		} else {
			settle(owner, failures[i])
		}
	}
}

// Protect calls f and returns its panic as an error, after logging the panic with
// its stack and attributes. A panic that nobody recovers ends the process, and
// Lambda receives all messages of the batch again, also those that succeeded.
func (c Consumer) Protect(ctx context.Context, doing string, f func(), attributes ...any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while %s: %v", doing, p)
			c.Log.With(attributes...).ErrorContext(ctx, "panic", "doing", doing, "error", err.Error(), "stack", string(debug.Stack()))
		}
	}()
	f()
	return nil
}
