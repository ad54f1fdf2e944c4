package eventdb

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// writeUnit is the size of one write request unit, in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const writeUnit = 1 << 10

// level is the lowest compression level that shrinks JSON nearly as much as the
// default of compress/flate, which takes three times as long.
const level = 5

// compressor deflates bodies if that saves a write request unit. It has one writer,
// which holds more than half a megabyte, and deflates one body after the other: a
// function has at most one processor. A sync.Pool would make the writer again after
// every other garbage collection.
type compressor struct {
	mu     sync.Mutex
	writer *flate.Writer // nil before the first use
}

func newCompressor() *compressor { return &compressor{} }

// pack returns body, deflated if its item then takes fewer write units. other is
// the size of the rest of the item, in bytes.
func (c *compressor) pack(body []byte, other int) (packed []byte, deflated bool) {
	if units(len(body)+other) == 1 {
		return body, false
	}
	small := c.deflate(body)
	// Deflate makes random bytes a few bytes longer, which may take one unit more.
	if small == nil || units(len(small)+other) >= units(len(body)+other) {
		return body, false
	}
	return small, true
}

// deflate returns body deflated, or nil if that fails, which it never does.
func (c *compressor) deflate(body []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var small bytes.Buffer
	if c.writer == nil {
		c.writer, _ = flate.NewWriter(nil, level) // fails only for an invalid level
	}
	c.writer.Reset(&small)
	if _, err := c.writer.Write(body); err != nil || c.writer.Close() != nil {
		return nil
	}
	return small.Bytes()
}

func units(size int) int { return (size + writeUnit - 1) / writeUnit }

// overhead returns an upper bound for the size of r's item without the body, in
// bytes. See
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func overhead(r row) int {
	const names = len("event" + "type" + "hash" + "body" + "deflated" + "webhooks" + "ttl")
	const ttl, flag, perWebhook = 7, 1, 5
	return names + ttl + flag + len(r.Event) + len(r.Type) + len(r.Hash) + perWebhook*len(r.Webhooks)
}

// body returns the uncompressed body of the row.
func (r row) body() ([]byte, error) {
	if !r.Deflated {
		return r.Body, nil
	}
	body, err := io.ReadAll(flate.NewReader(bytes.NewReader(r.Body)))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	return body, nil
}
