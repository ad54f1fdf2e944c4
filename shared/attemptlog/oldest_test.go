package attemptlog_test

import (
	"errors"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
)

// history is the state of every bucket. It counts the rounds of probes.
type history struct {
	states []attemptlog.State
	rounds int
}

func (h *history) probe(buckets []int64) ([]attemptlog.State, error) {
	h.rounds++
	states := make([]attemptlog.State, len(buckets))
	for i, bucket := range buckets {
		states[i] = h.states[bucket]
	}
	return states, nil
}

// want returns the first live bucket by a search of all of them.
func (h *history) want() int64 {
	if i := slices.Index(h.states, attemptlog.Live); i >= 0 {
		return int64(i)
	}
	return int64(len(h.states))
}

// drawRun returns buckets in state full, each followed by at most gap empty buckets.
func drawRun(t *rapid.T, label string, full attemptlog.State, gap int) []attemptlog.State {
	var run []attemptlog.State
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, gap), 0, 40).Draw(t, label) {
		run = append(append(run, full), make([]attemptlog.State, n)...)
	}
	return run
}

func TestFirstLiveIsExactWithShortHoles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h history
		h.states = append(h.states, make([]attemptlog.State, rapid.IntRange(0, 200).Draw(t, "deleted"))...)
		// DynamoDB deletes expired logs in any order, so any number may be gone.
		h.states = append(h.states, drawRun(t, "expired", attemptlog.Expired, 30)...)
		h.states = append(h.states, drawRun(t, "live", attemptlog.Live, 7)...)
		got, err := attemptlog.FirstLive(int64(len(h.states)), h.probe)
		if err != nil || got != h.want() {
			t.Fatalf("first live bucket is %d (%v), want %d of %v", got, err, h.want(), h.states)
		}
	})
}

func TestFirstLiveIsExactWithAHoleShorterThanTheRunBelowIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h history
		hole := rapid.IntRange(0, 300).Draw(t, "hole")
		h.states = append(h.states, make([]attemptlog.State, rapid.IntRange(0, 300).Draw(t, "deleted"))...)
		h.states = append(h.states, slices.Repeat([]attemptlog.State{attemptlog.Live}, rapid.IntRange(hole+1, 2*hole+1).Draw(t, "live before"))...)
		h.states = append(h.states, make([]attemptlog.State, hole)...)
		h.states = append(h.states, slices.Repeat([]attemptlog.State{attemptlog.Live}, rapid.IntRange(0, 300).Draw(t, "live after"))...)
		got, err := attemptlog.FirstLive(int64(len(h.states)), h.probe)
		if err != nil || got != h.want() {
			t.Fatalf("first live bucket is %d (%v), want %d", got, err, h.want())
		}
	})
}

func TestFirstLiveTakesFewRounds(t *testing.T) {
	t.Parallel()
	const buckets = 1 << 20
	for _, deleted := range []int{0, 1, 4711, buckets / 2, buckets - 1, buckets} {
		h := history{states: make([]attemptlog.State, buckets)}
		for i := deleted; i < buckets; i++ {
			h.states[i] = attemptlog.Live
		}
		if _, err := attemptlog.FirstLive(buckets, h.probe); err != nil {
			t.Fatal(err)
		}
		if most := bits.Len(buckets) + 2; h.rounds > most {
			t.Errorf("with %d deleted buckets the search takes %d rounds, want at most %d", deleted, h.rounds, most)
		}
	}
}

func TestFirstLiveStopsWhenAProbeFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, failing := range []int{1, 2, 3} {
		h := history{states: make([]attemptlog.State, 3)}
		_, err := attemptlog.FirstLive(3, func(buckets []int64) ([]attemptlog.State, error) {
			if h.rounds+1 == failing {
				return nil, broken
			}
			return h.probe(buckets)
		})
		if !errors.Is(err, broken) {
			t.Errorf("probe %d fails, but FirstLive returns the error %v", failing, err)
		}
	}
}
