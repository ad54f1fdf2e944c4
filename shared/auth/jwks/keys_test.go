package jwks_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/guard"
	"webhooks/shared/testkit/jwkstest"
)

// memory is a store in memory that the instances of a test share. Package jwksdb
// tests the real one.
type memory struct {
	record jwks.Record
	reads  int
	claims int
	err    error
}

func (m *memory) Get(context.Context) (jwks.Record, error) {
	m.reads++
	return m.record, m.err
}

func (m *memory) Claim(_ context.Context, limit, now time.Time) (bool, error) {
	m.claims++
	if m.err != nil || m.record.TriedAt.After(limit) {
		return false, m.err
	}
	m.record.TriedAt = now
	return true, nil
}

func (m *memory) Put(_ context.Context, text []byte, now time.Time) error {
	if m.err == nil && m.record.FetchedAt.Before(now) {
		m.record.JWKS, m.record.FetchedAt = text, now
	}
	return m.err
}

func (m *memory) Fail(_ context.Context, now time.Time) error {
	if m.err == nil {
		m.record.FailedAt = now
	}
	return m.err
}

// bundle is an identity provider with one key, a store and a clock.
type bundle struct {
	t        *testing.T
	provider *jwkstest.Provider
	key      jwkstest.Key
	store    *memory
	log      *strings.Builder
	now      time.Time

	waited    time.Duration // for the fetches of other instances
	meanwhile func()        // happens during each wait
}

func setup(t *testing.T) *bundle {
	t.Helper()
	key := jwkstest.NewKey(t, "first", jwks.EdDSA)
	return &bundle{
		t: t, key: key, provider: jwkstest.NewProvider(t, key), store: &memory{}, log: new(strings.Builder),
		now: time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC),
	}
}

// instance returns the keys of a function that has just started.
func (b *bundle) instance() *jwks.Keys {
	b.t.Helper()
	g, err := guard.New(guard.Config{AllowLocal: true})
	if err != nil {
		b.t.Fatal(err)
	}
	client, err := jwks.NewClient(g, b.provider.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	k := jwks.New(slog.New(slog.NewTextHandler(b.log, nil)), client, b.store, func() time.Time { return b.now })
	return k.Pausing(func(_ context.Context, d time.Duration) error {
		b.waited += d
		if b.meanwhile != nil {
			b.meanwhile()
		}
		return nil
	})
}

// find looks a key id up and checks the result and the number of fetches so far. A
// nil wantErr means that the key is found.
func (b *bundle) find(k *jwks.Keys, id string, wantErr error, wantFetches int) {
	b.t.Helper()
	found, err := k.Find(b.t.Context(), id, jwks.EdDSA)
	if !errors.Is(err, wantErr) || (err == nil) != (len(found) == 1) {
		b.t.Errorf("%s: found %d keys, %v; want %v", id, len(found), err, wantErr)
	}
	if got := b.provider.Fetches(); got != wantFetches {
		b.t.Errorf("%s: %d fetches, want %d", id, got, wantFetches)
	}
}

// pass advances the clock.
func (b *bundle) pass(d time.Duration) { b.now = b.now.Add(d) }

func TestNothingIsFetchedBeforeTheFirstToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.instance()
	if b.provider.Fetches() != 0 || b.store.reads != 0 {
		t.Error("New fetches the set or reads the store")
	}
}

func TestSetIsFetchedOnceForAllInstances(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.instance(), b.instance()
	b.find(first, "first", nil, 1)
	b.find(first, "first", nil, 1)
	b.find(second, "first", nil, 1)
	if b.store.reads != 2 {
		t.Errorf("%d reads of the store, want one for each instance", b.store.reads)
	}
}

func TestWithdrawnKeyIsRefusedAfterTheNextRefresh(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.instance(), b.instance()
	b.find(first, "first", nil, 1)
	b.find(second, "first", nil, 1)
	b.provider.Show(t, jwkstest.NewKey(t, "second", jwks.EdDSA))
	b.pass(jwks.RefreshAfter - time.Second)
	b.find(first, "first", nil, 1)
	b.pass(time.Second)
	b.find(first, "first", jwks.ErrNoKey, 2)
	b.find(second, "first", jwks.ErrNoKey, 2)
	b.find(second, "second", nil, 2)
}

func TestNewKeyIsFoundWithoutRestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.instance(), b.instance()
	b.find(first, "first", nil, 1)
	b.find(second, "first", nil, 1)
	b.pass(jwks.RetryAfter)
	b.provider.Show(t, b.key, jwkstest.NewKey(t, "second", jwks.EdDSA))
	b.find(first, "second", nil, 2)
	b.find(second, "second", nil, 2) // from the store
	b.find(second, "first", nil, 2)
}

func TestForgedKeyIDsDoNotFloodTheProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	instances := []*jwks.Keys{b.instance(), b.instance(), b.instance()}
	for round := range 3 {
		for _, k := range instances {
			for range 5 {
				b.find(k, "forged", jwks.ErrNoKey, 1+round)
			}
		}
		if want := len(instances) * (1 + round); b.store.reads > 2*want {
			t.Errorf("%d reads of the store, want at most two for each instance and round", b.store.reads)
		}
		b.pass(jwks.RetryAfter)
	}
}

// While the provider is down, an unknown key id may be new or forged. A set that could
// have been renewed lately refuses it: a stranger must not cause errors of ours.
func TestForgedKeyIDsDoNotFloodAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.instance(), b.instance()
	b.find(first, "first", nil, 1)
	b.provider.Down()
	b.pass(jwks.RetryAfter)
	for range 5 {
		b.find(first, "forged", jwks.ErrNoKey, 2)
		b.find(second, "forged", jwks.ErrNoKey, 2)
		b.find(first, "first", nil, 2)
		b.find(second, "first", nil, 2)
	}
	if b.store.claims != 2 {
		t.Errorf("%d claims, want one for each fetch", b.store.claims)
	}
	b.pass(jwks.RefreshAfter)
	for range 5 {
		b.find(first, "forged", jwks.ErrUnavailable, 3)
		b.find(second, "forged", jwks.ErrUnavailable, 3)
		b.find(first, "first", nil, 3)
		b.find(second, "first", nil, 3)
	}
}

func TestLastSetIsUsedWhileTheProviderIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	warm := b.instance()
	b.find(warm, "first", nil, 1)
	b.provider.Down()
	b.pass(jwks.RefreshAfter)
	b.find(warm, "first", nil, 2)
	if !strings.Contains(b.log.String(), "503") {
		t.Errorf("the log does not say why the refresh failed: %s", b.log)
	}
	reads := b.store.reads
	for range 5 {
		b.find(warm, "first", nil, 2)
	}
	if b.store.reads != reads {
		t.Error("each request reads the store while the provider is down")
	}
	b.pass(jwks.MaxAge - jwks.RefreshAfter - time.Second)
	b.find(b.instance(), "first", nil, 3) // a cold start
	b.pass(2 * time.Second)
	b.find(warm, "first", jwks.ErrUnavailable, 4)
	b.find(b.instance(), "first", jwks.ErrUnavailable, 5)
	b.provider.Show(t, b.key)
	b.pass(jwks.RetryAfter)
	b.find(warm, "first", nil, 6)
}

func TestProviderThatNeverAnsweredIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.provider.Down()
	k := b.instance()
	for range 3 {
		b.find(k, "first", jwks.ErrUnavailable, 1)
	}
	// Another instance has no set either, so it fetches without waiting.
	b.find(b.instance(), "first", jwks.ErrUnavailable, 2)
	b.provider.Show(t, b.key)
	b.find(k, "first", jwks.ErrUnavailable, 2)
	b.pass(jwks.RetryAfter)
	b.find(k, "first", nil, 3)
}

func TestUnusableSetDoesNotReplaceAGoodOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k := b.instance()
	b.find(k, "first", nil, 1)
	b.provider.Show(t) // a set without a key
	b.pass(jwks.RefreshAfter)
	b.find(k, "first", nil, 2)
	b.find(b.instance(), "first", nil, 2)
}

func TestKeysAreFoundWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.err = errors.New("throttled")
	k := b.instance()
	b.find(k, "first", nil, 1)
	if !strings.Contains(b.log.String(), "throttled") {
		t.Errorf("the log does not show the error of the store: %s", b.log)
	}
	for range 3 {
		b.find(k, "forged", jwks.ErrNoKey, 1)
	}
	b.pass(jwks.RefreshAfter)
	b.find(k, "first", nil, 2)
	b.provider.Down()
	b.pass(jwks.RefreshAfter)
	for range 3 {
		b.find(k, "first", nil, 3)
		b.find(k, "forged", jwks.ErrUnavailable, 3)
	}
}

// A record that somebody wrote by hand must not stop the service.
func TestInvalidRecordInTheStoreIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.record = jwks.Record{JWKS: []byte("garbage"), FetchedAt: b.now.Add(-time.Minute)}
	b.find(b.instance(), "first", nil, 1)
	b.find(b.instance(), "first", nil, 1)
}
