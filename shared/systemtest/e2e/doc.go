// Package e2e holds the end-to-end tests: every line of the API document, and the path
// of an event from a producer to a receiver. They run against the deployed local stack
// with the functions, roles and queues of the template, and IAM is enforced.
//
// Most tests use only what customers and producers use: HTTP, SQS and EventBridge.
// Every test has its own tenant, so tests run in parallel. Run them with `make test`,
// or with `make test-up` and `make test-go`.
package e2e
