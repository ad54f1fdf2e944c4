package dynamo

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Deflate makes random bytes a few bytes longer. No JSON text is that random, but
// no value may take one unit more because of it.
func TestPackNeverExpands(t *testing.T) {
	t.Parallel()
	p, random := new(Packer), rand.New(rand.NewPCG(1, 2))
	for size := 3*writeUnit - 300; size <= 3*writeUnit; size++ {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte(random.Uint32())
		}
		if packed, deflated := p.Pack(value, 200); deflated || !bytes.Equal(packed, value) {
			t.Fatalf("%d random bytes are stored as %d", size, len(packed))
		}
	}
}
