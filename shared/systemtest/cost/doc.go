// Package cost counts what AWS bills on the way of an event: it drives the real
// functions through a meter that stands between them and the local cloud, and
// multiplies what it counted with AWS's list prices. `make cost` prints the
// dollars; the tests fail when a change adds a billed unit. There is nothing to
// import.
//
// The meter does not take ReturnConsumedCapacity of the local cloud, which has
// none for BatchGetItem: it reads the sizes of the items and applies the rules
// that DynamoDB publishes.
package cost
