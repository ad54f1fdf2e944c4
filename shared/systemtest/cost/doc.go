// Package cost counts what AWS bills for an event. It runs the real functions with
// a meter between them and the local cloud, and multiplies the counted units by
// AWS's list prices. `make cost` prints the dollars, and the tests fail when a
// change adds a billed unit. Nothing imports this package.
//
// The meter does not use ReturnConsumedCapacity, because the local cloud does not
// support it for BatchGetItem. It reads the sizes of the items and applies
// DynamoDB's published rules.
package cost
