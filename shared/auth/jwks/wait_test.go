package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/testkit/jwkstest"
)

// claimed is a provider whose set is old enough for another fetch, which another
// instance has just begun.
func claimed(t *testing.T) (*bundle, *jwks.Keys) {
	t.Helper()
	b := setup(t)
	k := b.instance()
	b.find(k, "first", nil, 1)
	b.pass(jwks.RetryAfter)
	if ok, err := b.store.Claim(t.Context(), b.now.Add(-jwks.RetryAfter), b.now); !ok || err != nil {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	return b, k
}

// fetched stores the set that another instance fetched.
func (b *bundle) fetched(keys ...jwkstest.Key) {
	b.t.Helper()
	var members []map[string]any
	for _, key := range keys {
		members = append(members, key.JWK(b.t))
	}
	if err := b.store.Put(b.t.Context(), jwkstest.Document(b.t, members...), b.now); err != nil {
		b.t.Error(err)
	}
}

func TestATokenWithAnUnknownKeyWaitsForTheFetchOfAnotherInstance(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]error{"second": nil, "forged": jwks.ErrNoKey} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			b, k := claimed(t)
			polls := 0
			b.meanwhile = func() {
				if polls++; polls == 3 {
					b.fetched(b.key, jwkstest.NewKey(t, "second", jwks.EdDSA))
				}
			}
			b.find(k, id, want, 1)
			if b.waited != 700*time.Millisecond {
				t.Errorf("it waits for %v, want until the set is stored", b.waited)
			}
			b.find(k, "first", nil, 1)
			b.find(k, "forged", jwks.ErrNoKey, 1)
			if b.waited != 700*time.Millisecond {
				t.Error("it waits again with the new set")
			}
		})
	}
}

func TestAFetchThatFailsElsewhereRefusesUnknownKeysAfterABoundedWait(t *testing.T) {
	t.Parallel()
	b, k := claimed(t)
	b.find(k, "forged", jwks.ErrNoKey, 1)
	if b.waited < jwks.FetchTimeout || b.waited > 5*time.Second {
		t.Errorf("it waits for %v, want longer than a fetch and shorter than the authorizer's timeout", b.waited)
	}
	b.waited = 0
	for _, d := range []time.Duration{0, 4 * time.Second, 6 * time.Second} {
		b.pass(d)
		b.find(k, "forged", jwks.ErrNoKey, 1)
		if b.waited != 0 {
			t.Errorf("it waits for %v for a fetch for which it has waited already", b.waited)
		}
	}
}

// TestAFetchThatFailedElsewhereEndsTheWait: while the provider is down, forged tokens
// must not hold executions.
func TestAFetchThatFailedElsewhereEndsTheWait(t *testing.T) {
	t.Parallel()
	b, k := claimed(t)
	b.meanwhile = func() {
		if err := b.store.Fail(t.Context(), b.now); err != nil {
			t.Error(err)
		}
	}
	b.find(k, "forged", jwks.ErrNoKey, 1)
	if b.waited != 100*time.Millisecond {
		t.Errorf("it waits for %v, want until it reads that the fetch failed", b.waited)
	}
	b.waited, b.meanwhile = 0, nil
	b.find(k, "forged", jwks.ErrNoKey, 1)
	b.find(b.instance(), "forged", jwks.ErrNoKey, 1)
	if b.waited != 0 {
		t.Errorf("it waits for %v for a fetch that has failed", b.waited)
	}
}

func TestAFailedFetchIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k := b.instance()
	b.find(k, "first", nil, 1)
	b.pass(jwks.RetryAfter)
	b.provider.Down()
	b.find(k, "forged", jwks.ErrNoKey, 2)
	if !b.store.record.FailedAt.Equal(b.now) {
		t.Errorf("the store says that a fetch failed at %v, want %v", b.store.record.FailedAt, b.now)
	}
}

func TestATokenWithAKnownKeyDoesNotWait(t *testing.T) {
	t.Parallel()
	b, k := claimed(t)
	b.pass(jwks.RefreshAfter)
	if ok, err := b.store.Claim(t.Context(), b.now.Add(-jwks.RetryAfter), b.now); !ok || err != nil {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	b.find(k, "first", nil, 1)
	if b.waited != 0 {
		t.Errorf("it waits for %v", b.waited)
	}
}

// A key set that has not been renewed for a long time refuses no unknown key: the key may
// be new.
func TestAnOldSetRefusesNoKey(t *testing.T) {
	t.Parallel()
	b, k := claimed(t)
	b.pass(jwks.RefreshAfter)
	if ok, err := b.store.Claim(t.Context(), b.now.Add(-jwks.RetryAfter), b.now); !ok || err != nil {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	b.find(k, "second", jwks.ErrUnavailable, 1)
}

func TestTheEndOfTheRequestEndsTheWait(t *testing.T) {
	t.Parallel()
	b, k := claimed(t)
	k.Pausing(func(context.Context, time.Duration) error { return context.Canceled })
	b.pass(jwks.RefreshAfter)
	if ok, err := b.store.Claim(t.Context(), b.now.Add(-jwks.RetryAfter), b.now); !ok || err != nil {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	if _, err := k.Find(t.Context(), "second", jwks.EdDSA); !errors.Is(err, context.Canceled) || !errors.Is(err, jwks.ErrUnavailable) {
		t.Errorf("error = %v", err)
	}
}

// fetcher fetches a set after a signal.
type fetcher struct {
	begin   func()
	fetched chan struct{}
	text    []byte
}

func (f fetcher) Fetch(context.Context) ([]byte, error) {
	f.begin()
	<-f.fetched
	return f.text, nil
}

// locked is a store that concurrent instances share.
type locked struct {
	mu     sync.Mutex
	stored chan struct{} // closed by Put
	memory
}

func (l *locked) Get(ctx context.Context) (jwks.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.memory.Get(ctx)
}

func (l *locked) Claim(ctx context.Context, limit, now time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.memory.Claim(ctx, limit, now)
}

func (l *locked) Put(ctx context.Context, text []byte, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(l.stored)
	return l.memory.Put(ctx, text, now)
}

// TestInventedKeysAtOnceCauseNoErrors sends twenty tokens to twenty instances at the
// moment when the set may be fetched again: each names another key, one of them new.
func TestInventedKeysAtOnceCauseNoErrors(t *testing.T) {
	t.Parallel()
	const instances = 20
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	first, second := jwkstest.NewKey(t, "first", jwks.EdDSA), jwkstest.NewKey(t, "second", jwks.EdDSA)
	store := &locked{stored: make(chan struct{}), memory: memory{record: jwks.Record{
		JWKS: jwkstest.Document(t, first.JWK(t)), FetchedAt: now.Add(-jwks.RetryAfter), TriedAt: now.Add(-jwks.RetryAfter),
	}}}
	fetches, waiting := make(chan struct{}, instances), make(chan struct{}, instances)
	f := fetcher{begin: func() { fetches <- struct{}{} }, fetched: make(chan struct{}), text: jwkstest.Document(t, first.JWK(t), second.JWK(t))}
	results := make([]error, instances)
	var wg sync.WaitGroup
	for n := range instances {
		id := fmt.Sprintf("invented-%d", n)
		if n == 7 {
			id = "second"
		}
		k := jwks.New(slog.New(slog.DiscardHandler), f, store, func() time.Time { return now }).
			Pausing(func(ctx context.Context, _ time.Duration) error {
				waiting <- struct{}{}
				select {
				case <-store.stored:
				case <-ctx.Done():
				}
				return ctx.Err()
			})
		wg.Go(func() { _, results[n] = k.Find(t.Context(), id, jwks.EdDSA) })
	}
	for range instances - 1 {
		<-waiting
	}
	close(f.fetched)
	wg.Wait()
	for n, err := range results {
		if n == 7 && err != nil || n != 7 && !errors.Is(err, jwks.ErrNoKey) {
			t.Errorf("token %d: %v, want the new key to be found and the others to be refused", n, err)
		}
	}
	if len(fetches) != 1 {
		t.Errorf("%d fetches, want 1", len(fetches))
	}
}
