package jwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// How old a set may be.
const (
	// RefreshAfter is the age at which a set is fetched anew: a key that the
	// identity provider withdraws stops within this time.
	RefreshAfter = 10 * time.Minute
	// RetryAfter is the time between two fetches, of all instances together. An
	// unknown key id asks for a fetch, and anyone can invent one.
	RetryAfter = 30 * time.Second
	// MaxAge is how long the last good set is used while the identity provider
	// does not answer: a weekend. It issues no tokens meanwhile, so what a longer
	// time would let in are old ones alone.
	MaxAge = 72 * time.Hour
)

var (
	// ErrNoKey says that the set, of which a fresh copy is at hand, has no key of
	// that id for that algorithm. The token is refused.
	ErrNoKey = errors.New("no such key")
	// ErrUnavailable says that nobody can tell whether there is such a key. It
	// is no refusal: the token may be a good one.
	ErrUnavailable = errors.New("the identity provider's keys are unavailable")
)

// Record is what all instances share: the last good set and the last attempt
// to get another. Times are whole seconds.
type Record struct {
	JWKS      []byte    // the document as it was fetched; empty before the first
	FetchedAt time.Time // zero before the first
	TriedAt   time.Time // of the last fetch, whatever came of it
}

// Store keeps the record where every instance finds it.
type Store interface {
	// Get returns the record, the zero Record before the first fetch.
	Get(context.Context) (Record, error)
	// Claim reports whether the caller may fetch: whether TriedAt is zero or not
	// after limit. If so, it becomes now.
	Claim(ctx context.Context, limit, now time.Time) (bool, error)
	// Put stores a set that was fetched at now, unless a newer one is stored.
	Put(ctx context.Context, text []byte, now time.Time) error
}

// Fetcher asks the identity provider; see [Client].
type Fetcher interface {
	Fetch(context.Context) ([]byte, error)
}

// Keys finds the key of a token. It is safe for concurrent use: one call at a
// time, because an instance of Lambda serves no more than one.
//
// Nothing is fetched before the first token asks. Then the set comes, in this
// order, from memory, from the store, and from the identity provider. Of all
// instances one fetches, and the others go on with the set they have.
type Keys struct {
	fetcher Fetcher
	store   Store
	log     *slog.Logger
	now     func() time.Time

	mu        sync.Mutex
	set       Set
	fetchedAt time.Time // of set
	lookedAt  time.Time // when this instance last read the store
	triedAt   time.Time // when this instance last fetched
}

// New returns the keys of an identity provider.
func New(log *slog.Logger, fetcher Fetcher, store Store, now func() time.Time) *Keys {
	return &Keys{fetcher: fetcher, store: store, log: log, now: now}
}

// Find returns the keys of an id that verify an algorithm, at least one; the
// error is [ErrNoKey], or wraps [ErrUnavailable].
func (k *Keys) Find(ctx context.Context, id, algorithm string) ([]crypto.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// Round drops the monotonic clock, which stands still in a frozen instance
	// and would keep its set young.
	now := k.now().Round(0)
	err := k.refresh(ctx, now, RefreshAfter)
	found, known := k.find(now, id, algorithm)
	if !known {
		err = errors.Join(err, k.refresh(ctx, now, RetryAfter))
		found, known = k.find(now, id, algorithm)
	}
	if !known && now.Sub(k.fetchedAt) >= RetryAfter {
		return nil, fmt.Errorf("find a key: %w", errors.Join(ErrUnavailable, err))
	}
	if err != nil {
		// The caller does not notice, so nobody else would say it.
		k.log.LogAttrs(ctx, slog.LevelWarn, "the identity provider's keys are not renewed",
			slog.String("error", err.Error()), slog.Time("fetched_at", k.fetchedAt))
	}
	if len(found) == 0 {
		return nil, ErrNoKey
	}
	return found, nil
}

// find looks into the set at hand, if it is not too old.
func (k *Keys) find(now time.Time, id, algorithm string) (found []crypto.PublicKey, known bool) {
	if !k.usable(now) {
		return nil, false
	}
	return k.set.find(id, algorithm)
}

func (k *Keys) usable(now time.Time) bool { return now.Sub(k.fetchedAt) <= MaxAge }

// refresh gets a set younger than age, if there is one to be had. A failure
// leaves the set as it is.
func (k *Keys) refresh(ctx context.Context, now time.Time, age time.Duration) error {
	if now.Sub(k.fetchedAt) < age {
		return nil
	}
	if age > RetryAfter && k.usable(now) && now.Sub(k.lookedAt) < RetryAfter {
		return nil // the identity provider is down: not a read for each request
	}
	k.lookedAt = now
	record, err := k.store.Get(ctx)
	if err == nil {
		err = k.adopt(record.JWKS, record.FetchedAt)
	}
	if now.Sub(k.fetchedAt) < age {
		return err
	}
	may, claimErr := k.mayFetch(ctx, now, record)
	if err = errors.Join(err, claimErr); !may {
		return err
	}
	return errors.Join(err, k.fetch(ctx, now))
}

// adopt takes over a set that is younger than the one at hand.
func (k *Keys) adopt(text []byte, fetchedAt time.Time) error {
	if !fetchedAt.After(k.fetchedAt) {
		return nil
	}
	set, err := Parse(text)
	if err != nil {
		return err
	}
	k.set, k.fetchedAt = set, fetchedAt
	return nil
}

// mayFetch keeps the fetches RetryAfter apart: those of this instance always,
// those of all of them where that works. An instance that cannot ask the store,
// or has no set to go on with while another one fetches, looks after itself.
func (k *Keys) mayFetch(ctx context.Context, now time.Time, record Record) (bool, error) {
	limit, alone := now.Add(-RetryAfter), !k.usable(now)
	if k.triedAt.After(limit) {
		return false, nil
	}
	if !alone && record.TriedAt.After(limit) {
		return false, nil // spares the write, which a forged key id could ask for again and again
	}
	claimed, err := k.store.Claim(ctx, limit, now)
	return claimed || alone || err != nil, err
}

// fetch asks the identity provider and keeps what it answers. The set counts
// from before the question.
func (k *Keys) fetch(ctx context.Context, now time.Time) error {
	k.triedAt = now
	text, err := k.fetcher.Fetch(ctx)
	if err != nil {
		return err
	}
	if err := k.adopt(text, now); err != nil {
		return err
	}
	return k.store.Put(ctx, text, now)
}
