package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwksdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/jwkstest"
)

// TestInventedKeysAtOnceAreDeniedAndANewOneIsAllowed: API Gateway answers 500 to an
// error of this function, and an alarm watches it. Tokens with invented key ids must not
// cause one while the provider is healthy, nor hide a new key.
func TestInventedKeysAtOnceAreDeniedAndANewOneIsAllowed(t *testing.T) {
	t.Parallel()
	p := setupPlatform(t)
	store := jwksdb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), p.env["KEYS_TABLE"], p.provider.URL)
	if err := store.Put(t.Context(), jwkstest.Document(t, p.key.JWK(t)), time.Now().Add(-jwks.RetryAfter-time.Second)); err != nil {
		t.Fatal(err)
	}
	fresh := jwkstest.NewKey(t, "fresh", jwks.ES256)
	p.provider.Show(t, p.key, fresh)
	const instances, rotated = 20, 7
	var wg sync.WaitGroup
	for n := range instances {
		header := sign(t, jwkstest.NewKey(t, fmt.Sprintf("invented-%d", n), jwks.ES256), nil)
		if n == rotated {
			header = sign(t, fresh, nil)
		}
		f := platform{env: p.env, log: new(strings.Builder)}.start(t)
		wg.Go(func() {
			if got, err := ask(t, f, header); err != nil || got.IsAuthorized != (n == rotated) {
				t.Errorf("token %d: %+v, %v", n, got, err)
			}
		})
	}
	wg.Wait()
	if n := p.provider.Fetches(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}
