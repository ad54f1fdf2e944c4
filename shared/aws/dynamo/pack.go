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

const (
	// dense is the lowest compression level that shrinks JSON nearly as much as the
	// default of compress/flate, which takes three times as long.
	dense = 5
	// fast takes a fifth less time than dense for 1 KiB, and a third less for 4 KiB.
	fast = 1
	// maxFast is the largest value, in bytes, that is tried with fast first. A larger one
	// rarely fits into one unit.
	maxFast = 4 << 10
)

// Packer deflates an attribute if that saves a write request unit. It has one writer for
// each level, which holds more than half a megabyte, and deflates one value after the
// other: a function has at most one processor. A sync.Pool would make the writers again
// after every other garbage collection. The zero value is ready, and safe for concurrent
// use.
type Packer struct {
	mu      sync.Mutex
	writers [dense + 1]*flate.Writer // by level; nil before the first use
}

// Pack returns value, deflated if its item then takes fewer write units. other is
// the size of the rest of the item, in bytes.
func (p *Packer) Pack(value []byte, other int) (packed []byte, deflated bool) {
	if units(len(value)+other) == 1 {
		return value, false
	}
	if len(value) <= maxFast {
		if small := p.deflate(value, fast); small != nil && units(len(small)+other) == 1 {
			return small, true
		}
	}
	small := p.deflate(value, dense)
	// Deflate makes random bytes a few bytes longer, which may take one unit more.
	if small == nil || units(len(small)+other) >= units(len(value)+other) {
		return value, false
	}
	return small, true
}

// deflate returns value deflated, or nil if that fails, which it never does.
func (p *Packer) deflate(value []byte, level int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writers[level] == nil {
		p.writers[level], _ = flate.NewWriter(nil, level) // fails only for an invalid level
	}
	w, small := p.writers[level], new(bytes.Buffer)
	small.Grow(len(value) / 2)
	w.Reset(small)
	if _, err := w.Write(value); err != nil || w.Close() != nil {
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
