package dynamo

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

// Packer deflates an attribute if that saves a write request unit. It has one writer,
// which holds more than half a megabyte, and deflates one value after the other: a
// function has at most one processor. A sync.Pool would make the writer again after
// every other garbage collection. The zero value is ready, and safe for concurrent use.
type Packer struct {
	mu     sync.Mutex
	writer *flate.Writer // nil before the first use
}

// Pack returns value, deflated if its item then takes fewer write units. other is
// the size of the rest of the item, in bytes.
func (p *Packer) Pack(value []byte, other int) (packed []byte, deflated bool) {
	if units(len(value)+other) == 1 {
		return value, false
	}
	small := p.deflate(value)
	// Deflate makes random bytes a few bytes longer, which may take one unit more.
	if small == nil || units(len(small)+other) >= units(len(value)+other) {
		return value, false
	}
	return small, true
}

// deflate returns value deflated, or nil if that fails, which it never does.
func (p *Packer) deflate(value []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var small bytes.Buffer
	if p.writer == nil {
		p.writer, _ = flate.NewWriter(nil, level) // fails only for an invalid level
	}
	p.writer.Reset(&small)
	if _, err := p.writer.Write(value); err != nil || p.writer.Close() != nil {
		return nil
	}
	return small.Bytes()
}

func units(size int) int { return (size + writeUnit - 1) / writeUnit }

// Unpack returns the value that Pack was given.
func Unpack(packed []byte, deflated bool) ([]byte, error) {
	if !deflated {
		return packed, nil
	}
	value, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	return value, nil
}
