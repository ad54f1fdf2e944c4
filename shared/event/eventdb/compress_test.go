package eventdb

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Deflate makes random bytes a few bytes longer. No JSON text is that random, but
// no body may take one unit more because of it.
func TestPackNeverExpands(t *testing.T) {
	t.Parallel()
	c, random := newCompressor(), rand.New(rand.NewPCG(1, 2))
	for size := 3*writeUnit - 300; size <= 3*writeUnit; size++ {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		if packed, deflated := c.pack(body, 200); deflated || !bytes.Equal(packed, body) {
			t.Fatalf("%d random bytes are stored as %d", size, len(packed))
		}
	}
}
