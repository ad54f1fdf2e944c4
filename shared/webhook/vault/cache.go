package vault

import (
	"container/list"
	"sync"
	"time"
)

// name tells data keys apart. The tenant is part of it: KMS opened the key for
// that tenant and for nobody else.
type name struct{ tenantID, wrapped string }

type entry struct {
	name  name
	key   *DataKey
	since time.Time
}

// cache keeps up to maxKeys data keys, each no longer than maxAge. The one that
// was used longest ago makes room.
type cache struct {
	now     func() time.Time
	maxKeys int
	maxAge  time.Duration

	mu      sync.Mutex
	entries map[name]*list.Element // of *entry
	used    list.List              // the one used last in front
}

// get returns a key, or nil when it is not there or too old.
func (c *cache) get(tenantID string, wrapped []byte) *DataKey {
	// Without the monotonic clock, which may stand still in a frozen environment.
	now := c.now().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	element, found := c.entries[name{tenantID, string(wrapped)}] // a look-up does not copy wrapped
	if !found {
		return nil
	}
	e := element.Value.(*entry)
	if age := now.Sub(e.since); age < 0 || age >= c.maxAge {
		c.drop(element)
		return nil
	}
	c.used.MoveToFront(element)
	return e.key
}

// put keeps a key that was asked for at since.
func (c *cache) put(n name, key *DataKey, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[name]*list.Element)
	}
	if element, found := c.entries[n]; found {
		c.drop(element)
	}
	c.entries[n] = c.used.PushFront(&entry{n, key, since})
	for c.used.Len() > c.maxKeys {
		c.drop(c.used.Back())
	}
}

func (c *cache) drop(element *list.Element) {
	c.used.Remove(element)
	delete(c.entries, element.Value.(*entry).name)
}
