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

// The ages of a key set.
const (
	// RefreshAfter is the age at which a set is fetched again. A key that the
	// identity provider withdraws is refused after this time. A set of this age that
	// could not be fetched again refuses no token: it may be of a new key.
	RefreshAfter = 10 * time.Minute
	// RetryAfter is the shortest time between two fetches by all instances together.
	// A token with an unknown key id triggers a fetch, and anyone can forge one.
	RetryAfter = 30 * time.Second
	// MaxAge is how long the last good set is used while the identity provider is
	// down: a weekend. A provider that is down issues no tokens, so a longer time
	// would only accept old ones.
	MaxAge = 72 * time.Hour
)

var (
	// ErrNoKey is the error if a set younger than RefreshAfter has no key with the id
	// for the algorithm. The token is refused.
	ErrNoKey = errors.New("no such key")
	// ErrUnavailable is the error if no set is fresh enough to refuse the token, which
	// may be valid.
	ErrUnavailable = errors.New("the identity provider's keys are unavailable")
)

// Record is the data that all instances share: the last good set and the time of the
// last fetch. Times are whole seconds.
type Record struct {
	JWKS      []byte    // the document as it was fetched; empty before the first
	FetchedAt time.Time // of JWKS; zero before the first
	TriedAt   time.Time // of the last fetch, successful or not; zero before the first
	FailedAt  time.Time // the start of the last fetch that failed; zero before the first
}

// failed reports whether the last fetch has failed. It is false while it runs.
func (r Record) failed() bool { return !r.FailedAt.IsZero() && !r.FailedAt.Before(r.TriedAt) }

// Store holds the record for all instances.
type Store interface {
	// Get returns the record, or the zero Record before the first fetch.
	Get(context.Context) (Record, error)
	// Claim reports whether the caller may fetch, that is whether TriedAt is zero or
	// not after limit. If so, Claim sets TriedAt to now.
	Claim(ctx context.Context, limit, now time.Time) (bool, error)
	// Put stores a set that was fetched at now, unless a newer one is stored.
	Put(ctx context.Context, text []byte, now time.Time) error
	// Fail stores that the fetch that began at now has failed.
	Fail(ctx context.Context, now time.Time) error
}

// Fetcher fetches the key set from the identity provider; see [Client].
type Fetcher interface {
	Fetch(context.Context) ([]byte, error)
}

// Keys finds the keys that may verify a token. It is safe for concurrent use. Calls
// wait for each other, which costs nothing: a Lambda instance serves one request at
// a time.
//
// Keys gets the set when a token needs it: from memory, else from the store, else
// from the identity provider. One instance fetches; meanwhile the others use the set
// that they have.
type Keys struct {
	fetcher Fetcher
	store   Store
	log     *slog.Logger
	now     func() time.Time
	pause   func(context.Context, time.Duration) error

	mu        sync.Mutex
	set       Set
	fetchedAt time.Time // of set
	readAt    time.Time // when this instance last read the store
	triedAt   time.Time // when this instance last fetched
	awaited   time.Time // the TriedAt of the fetch for which this instance waited in vain
}

// New returns the keys of an identity provider.
func New(log *slog.Logger, fetcher Fetcher, store Store, now func() time.Time) *Keys {
	return &Keys{fetcher: fetcher, store: store, log: log, now: now, pause: pause}
}

// Find returns the keys, at least one, with an id that verify an algorithm. The
// error is [ErrNoKey] or wraps [ErrUnavailable].
func (k *Keys) Find(ctx context.Context, id, algorithm string) ([]crypto.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// Round removes the monotonic clock, which stops while an instance is frozen: the
	// set would seem younger than it is.
	now := k.now().Round(0)
	err := k.refresh(ctx, now, RefreshAfter)
	found, known := k.find(now, id, algorithm)
	if !known {
		err = errors.Join(err, k.refresh(ctx, now, RetryAfter))
		found, known = k.find(now, id, algorithm)
	}
	if !known && now.Sub(k.fetchedAt) >= RefreshAfter {
		return nil, fmt.Errorf("find a key: %w", errors.Join(ErrUnavailable, err))
	}
	if err != nil {
		// Find decides by an older set, so only the log shows the error.
		k.log.LogAttrs(ctx, slog.LevelWarn, "cannot refresh the identity provider's keys",
			slog.String("error", err.Error()), slog.Time("fetched_at", k.fetchedAt))
	}
	if len(found) == 0 {
		return nil, ErrNoKey
	}
	return found, nil
}

// find looks the key up in the set in memory, unless the set is too old.
func (k *Keys) find(now time.Time, id, algorithm string) (found []crypto.PublicKey, known bool) {
	if !k.usable(now) {
		return nil, false
	}
	return k.set.find(id, algorithm)
}

func (k *Keys) usable(now time.Time) bool { return now.Sub(k.fetchedAt) <= MaxAge }

// refresh gets a set that is younger than age, from the store or from the identity
// provider. It keeps the set in memory if it gets no newer one. For a set that is
// younger than RefreshAfter, only a token with an unknown key id waits for it.
func (k *Keys) refresh(ctx context.Context, now time.Time, age time.Duration) error {
	if now.Sub(k.fetchedAt) < age {
		return nil
	}
	if age > RetryAfter && k.usable(now) && now.Sub(k.readAt) < RetryAfter {
		return nil // saves a read for every request while the provider is down
	}
	k.readAt = now
	record, err := k.store.Get(ctx)
	if err == nil {
		err = k.replace(record.JWKS, record.FetchedAt)
	}
	if now.Sub(k.fetchedAt) < age {
		return err
	}
	may, another, claimErr := k.mayFetch(ctx, now, record)
	switch err = errors.Join(err, claimErr); {
	case may:
		return errors.Join(err, k.fetch(ctx, now))
	case another && age == RetryAfter:
		return errors.Join(err, k.await(ctx, now))
	}
	return err
}

// replace replaces the set in memory by a newer one.
func (k *Keys) replace(text []byte, fetchedAt time.Time) error {
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

// mayFetch reports whether this instance may fetch now, or else whether another one may
// be fetching. It keeps RetryAfter between
// the fetches of this instance, and with the store's help between those of all
// instances. An instance without a usable set does not wait for another instance,
// nor does one that cannot use the store.
func (k *Keys) mayFetch(ctx context.Context, now time.Time, record Record) (may, another bool, err error) {
	limit, mustFetch := now.Add(-RetryAfter), !k.usable(now)
	if k.triedAt.After(limit) {
		return false, false, nil
	}
	if !mustFetch && record.TriedAt.After(limit) {
		// This saves a write for every token with a forged key id. Times are whole
		// seconds, and clocks differ.
		ended := record.failed() || record.TriedAt.Equal(k.awaited) || record.TriedAt.Add(FetchTimeout+2*time.Second).Before(now)
		return false, !ended, nil
	}
	claimed, err := k.store.Claim(ctx, limit, now)
	may = claimed || mustFetch || err != nil
	return may, !may, err
}

// fetch fetches the set from the identity provider and stores it. The age of the set
// counts from the start of the fetch.
func (k *Keys) fetch(ctx context.Context, now time.Time) error {
	k.triedAt = now
	text, err := k.fetcher.Fetch(ctx)
	if err == nil {
		err = k.replace(text, now)
	}
	if err != nil {
		return errors.Join(err, k.store.Fail(ctx, now)) // ends the waits of other instances
	}
	return k.store.Put(ctx, text, now)
}
