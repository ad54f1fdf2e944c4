package event_test

import (
	"fmt"
	"testing"
	"time"

	"webhooks/shared/event"
	"webhooks/shared/testkit/lambdatest"
)

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			m := event.Message{ID: "m", SentAt: time.UnixMilli(1769421600007), Body: []byte(lambdatest.NewEvent("acme", 1, size).Message())}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := event.Decode(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	e := lambdatest.NewEvent("acme", 1, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		e.Hash()
	}
}
