package deadletter

// Reason says in one word why a message was set aside. Operators see it as an
// attribute of the dead letter, and reasons.json says for each reason what
// happened and what to do.
type Reason string

// The reasons of events. Their producer must fix the event.
const (
	NotJSON          Reason = "not_json"
	Ambiguous        Reason = "ambiguous"
	UnknownField     Reason = "unknown_field"
	MissingField     Reason = "missing_field"
	InvalidID        Reason = "invalid_id"
	InvalidTenant    Reason = "invalid_tenant"
	InvalidTimestamp Reason = "invalid_timestamp"
	UnknownType      Reason = "unknown_type"
	DataTooLarge     Reason = "data_too_large"
	MessageTooLarge  Reason = "message_too_large"
	TooDeep          Reason = "too_deep"
	// Conflict says that another event of the tenant has the event's id.
	Conflict Reason = "conflict"
)

// The reasons of deliveries.
const (
	// Unreadable says that this version cannot read the message as a delivery.
	Unreadable Reason = "unreadable"
	// BodyMissing says that the events table has no body for the delivery.
	BodyMissing Reason = "body_missing"
)

// TooManyReceives is the reason of a message that failed on nearly every receive
// that its queue allows. SQS would move it too, but without a reason.
const TooManyReceives Reason = "too_many_receives"
