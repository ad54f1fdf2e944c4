// Package e2e holds the end-to-end tests: the API document line by line, and
// the way of an event from a producer to a receiver, against the deployed local
// stack (the template's own functions, roles and queues, with IAM enforced).
//
// The tests know what a customer and a producer know: HTTP, SQS and
// EventBridge. Every test has a tenant of its own, so that they run beside each
// other. They start with `make test`, or with `make test-up` and `make test-go`.
package e2e
