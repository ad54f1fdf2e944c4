package event_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
)

// TestTypesKeepTheirBits pins the order of the types: stored subscription indexes
// hold their bits, so a type that is inserted or removed would subscribe webhooks
// to other events.
func TestTypesKeepTheirBits(t *testing.T) {
	t.Parallel()
	want := []event.Type{
		"environment.created", "environment.started", "environment.stopped", "environment.deleted",
		"training.started", "training.completed", "training.failed",
		"alert.triggered", "alert.resolved",
	}
	if diff := cmp.Diff(want, event.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for i, kind := range want {
		if bit, known := kind.Bit(); bit != i || !known {
			t.Errorf("%s.Bit() = %d, %v, want %d", kind, bit, known, i)
		}
	}
	if _, known := event.Test.Bit(); known {
		t.Error("webhooks can subscribe to the test type")
	}
}

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"a": true, "A-z_09": true, "": false, "a.b": false, "a#b": false, "a b": false, "é": false, "a\n": false} {
		if event.ValidID(id) != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, !want, want)
		}
	}
}
