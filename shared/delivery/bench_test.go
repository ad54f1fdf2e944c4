package delivery_test

import (
	"testing"

	"webhooks/shared/delivery"
	"webhooks/shared/testkit/lambdatest"
)

func large() delivery.Delivery {
	d := sample()
	d.Body = lambdatest.NewEvent("acme", 1, 4<<10).Body()
	return d
}

func BenchmarkEncode(b *testing.B) {
	d := large()
	b.ReportAllocs()
	for b.Loop() {
		d.Encode()
	}
}

func BenchmarkDecode(b *testing.B) {
	message := []byte(large().Encode())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := delivery.Decode(message); err != nil {
			b.Fatal(err)
		}
	}
}
