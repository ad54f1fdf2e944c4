package attempt

import (
	"slices"
	"sync"
	"time"
)

// pool keeps idle connections for at most maxIdleTime. It is safe for concurrent use.
type pool struct {
	mu    sync.Mutex
	idle  map[string][]*conn // by conn.key, the latest last
	count int
}

// take returns the latest idle connection to key that is still open, or nil.
func (p *pool) take(key string) *conn {
	for {
		c := p.pop(key)
		if c == nil || c.alive() {
			return c
		}
		c.close()
	}
}

func (p *pool) pop(key string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	p.remove(c)
	return c
}

// put keeps c, or closes it if there are too many.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	full := p.count >= maxIdle || len(p.idle[c.key]) >= maxIdlePerHost
	if !full {
		if p.idle == nil {
			p.idle = make(map[string][]*conn)
		}
		p.idle[c.key] = append(p.idle[c.key], c)
		p.count++
		c.expiry = time.AfterFunc(maxIdleTime, func() { p.expire(c) })
	}
	p.mu.Unlock()
	if full {
		c.close()
	}
}

// expire closes c if it is idle.
func (p *pool) expire(c *conn) {
	p.mu.Lock()
	found := p.remove(c)
	p.mu.Unlock()
	if found {
		c.close()
	}
}

// everyHost makes drop close the connections to all receivers.
const everyHost = ""

// drop closes the idle connections to key, or all with everyHost.
func (p *pool) drop(key string) {
	p.mu.Lock()
	var dropped []*conn
	for other, list := range p.idle {
		if key == everyHost || key == other {
			dropped = append(dropped, list...)
		}
	}
	for _, c := range dropped {
		p.remove(c)
	}
	p.mu.Unlock()
	for _, c := range dropped {
		c.close()
	}
}

// remove removes c, and reports whether it was idle. The caller holds mu.
func (p *pool) remove(c *conn) bool {
	list := p.idle[c.key]
	i := slices.Index(list, c)
	if i < 0 {
		return false
	}
	c.expiry.Stop()
	p.count--
	if p.idle[c.key] = slices.Delete(list, i, i+1); len(list) == 1 {
		delete(p.idle, c.key)
	}
	return true
}
