package eventdb_test

import (
	"fmt"
	"testing"

	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/lambdatest"
)

// BenchmarkCreate measures encoding and compression, without the SDK.
func BenchmarkCreate(b *testing.B) {
	for _, size := range []int{512, 1 << 10, 4 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			store, e := eventdb.New(&written{}, "events", retention), lambdatest.NewEvent("acme", 1, size)
			b.ReportAllocs()
			for b.Loop() {
				if err := store.Create(b.Context(), e, []int64{1}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
