package event

import "slices"

// Type is the type of an event, one of the closed list in the API document.
type Type string

// The event types that a webhook can subscribe to.
const (
	EnvironmentCreated Type = "environment.created"
	EnvironmentStarted Type = "environment.started"
	EnvironmentStopped Type = "environment.stopped"
	EnvironmentDeleted Type = "environment.deleted"
	TrainingStarted    Type = "training.started"
	TrainingCompleted  Type = "training.completed"
	TrainingFailed     Type = "training.failed"
	AlertTriggered     Type = "alert.triggered"
	AlertResolved      Type = "alert.resolved"
)

// Test is the type of the event that the test route sends. No webhook subscribes
// to it and no producer may publish it.
const Test Type = "webhook.test"

// types lists the event types in the order of their bits. Stored subscription
// indexes hold the bits, so the list only grows at its end.
var types = [...]Type{
	EnvironmentCreated, EnvironmentStarted, EnvironmentStopped, EnvironmentDeleted,
	TrainingStarted, TrainingCompleted, TrainingFailed,
	AlertTriggered, AlertResolved,
}

// Types returns the event types that a webhook can subscribe to.
func Types() []Type { return slices.Clone(types[:]) }

// Bit returns the bit of t in the subscription index. known is false for a type
// that no webhook can subscribe to.
func (t Type) Bit() (bit int, known bool) {
	bit = slices.Index(types[:], t)
	return bit, bit >= 0
}
