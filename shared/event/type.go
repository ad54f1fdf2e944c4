package event

// Type is what happened, one of the closed list that the API document gives.
type Type string

// The event types a webhook can subscribe to.
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

// Test is the type of what the test route sends. Nobody subscribes to it and
// no producer may publish it.
const Test Type = "webhook.test"

// Types returns the types a webhook can subscribe to. The place of a type is
// its bit in the stored subscription index, so the list only grows at its end.
func Types() []Type {
	return []Type{
		EnvironmentCreated, EnvironmentStarted, EnvironmentStopped, EnvironmentDeleted,
		TrainingStarted, TrainingCompleted, TrainingFailed,
		AlertTriggered, AlertResolved,
	}
}

// Bit returns the place of t in [Types], and false for any other type.
func (t Type) Bit() (bit int, known bool) {
	for i, known := range Types() {
		if t == known {
			return i, true
		}
	}
	return 0, false
}
