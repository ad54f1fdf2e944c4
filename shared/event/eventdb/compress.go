package eventdb

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// writeUnit is what DynamoDB bills as one write request unit, in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const writeUnit = 1 << 10

// level is the cheapest that shrinks JSON as well as the default of
// compress/flate, in a third of its time.
const level = 5

// compressor deflates bodies where that saves a write request unit. Its
// writers are reused, because each holds more than half a megabyte.
type compressor struct{ writers sync.Pool }

func newCompressor() *compressor {
	return &compressor{sync.Pool{New: func() any {
		// The level is a valid constant, the only thing NewWriter refuses.
		w, _ := flate.NewWriter(io.Discard, level)
		return w
	}}}
}

// pack returns body, deflated when the item of other bytes beside it then
// takes fewer write units.
func (c *compressor) pack(body []byte, other int) (packed []byte, deflated bool) {
	if units(len(body)+other) == 1 {
		return body, false
	}
	w := c.writers.Get().(*flate.Writer)
	defer c.writers.Put(w)
	var small bytes.Buffer
	w.Reset(&small)
	if _, err := w.Write(body); err != nil || w.Close() != nil {
		// A bytes.Buffer never fails; stored as it is, the body is as good.
		return body, false
	}
	// Deflated, random bytes are a few bytes longer, which may be a unit more.
	if units(small.Len()+other) >= units(len(body)+other) {
		return body, false
	}
	return small.Bytes(), true
}

func units(size int) int { return (size + writeUnit - 1) / writeUnit }

// overhead is what r's item takes beside the body: names and values, a number
// as up to 21 bytes. See
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func overhead(r row) int {
	const names = len("event" + "type" + "hash" + "body" + "deflated" + "webhooks" + "ttl")
	const ttl, flag, perWebhook = 7, 1, 5
	return names + ttl + flag + len(r.Event) + len(r.Type) + len(r.Hash) + perWebhook*len(r.Webhooks)
}

// body returns the row's body as it was packed.
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
