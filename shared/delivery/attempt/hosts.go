package attempt

import (
	"sync"
	"time"
)

// maxHosts bounds a set of hosts.
const maxHosts = 1024

// hosts remembers hosts for a while. It is safe for concurrent use.
type hosts struct {
	keep time.Duration
	mu   sync.Mutex
	end  map[string]time.Time
}

func newHosts(keep time.Duration) *hosts {
	return &hosts{keep: keep, end: make(map[string]time.Time)}
}

// add remembers host. When there are too many it first forgets those whose time is
// over, or else all: they will be learnt again.
func (h *hosts) add(host string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.end) >= maxHosts {
		for other, end := range h.end {
			if now.After(end) {
				delete(h.end, other)
			}
		}
	}
	if len(h.end) >= maxHosts {
		clear(h.end)
	}
	// Round drops the monotonic clock, which may stand still while Lambda freezes the
	// function.
	h.end[host] = now.Add(h.keep).Round(0)
}

// has reports whether host is remembered.
func (h *hosts) has(host string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	end, known := h.end[host]
	return known && now.Before(end)
}
