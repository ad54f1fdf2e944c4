package vault

import (
	"container/list"
	"sync"
	"time"
)

// name identifies a data key in the cache. It includes the tenant because KMS
// decrypts a data key for its own tenant only.
type name struct{ tenantID, wrapped string }

type entry struct {
	name  name
	key   *DataKey
	since time.Time
}

// cache holds up to maxKeys data keys, each for at most [MaxAge]. A full cache
// evicts the least recently used key.
type cache struct {
	now     func() time.Time
	maxKeys int

	mu      sync.Mutex
	entries map[name]*list.Element // of *entry
	used    list.List              // most recently used first
}

// get returns a key, or nil if it is not cached or too old.
func (c *cache) get(tenantID string, wrapped []byte) *DataKey {
	// Round removes the monotonic clock, which stops while Lambda freezes the
	// environment.
	now := c.now().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	element, found := c.entries[name{tenantID, string(wrapped)}] // this look-up does not copy wrapped
	if !found {
		return nil
	}
	e := element.Value.(*entry)
	if age := now.Sub(e.since); age < 0 || age >= MaxAge {
		c.drop(element)
		return nil
	}
	c.used.MoveToFront(element)
	return e.key
}

// put adds a key whose age counts from since.
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
