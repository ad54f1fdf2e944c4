// Package stored tests the forms in which the service stores data: items of the
// tables and messages of the queues.
//
// While a release replaces another, both read what both write, and a message
// waits in a dead-letter queue for up to 14 days. So testdata holds one file for
// each form that a release has written: today's code must read every one of them,
// and write the newest.
package stored
