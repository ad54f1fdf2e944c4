// Package crash tests the path of an event against failures. One test makes every
// AWS call fail in every possible way, and ends the process before and after each
// call. Afterwards nothing may be lost, stuck, orphaned or repeated without a
// reason.
//
// The path leads through fanout, dispatcher and retrier, which may not import each
// other, so the test has a package of its own. It builds them as the functions do,
// in one process, on tables and queues of the local cloud. Its clock jumps to the
// next message or row that is due. The calls are counted in the SDK, so a new call is
// covered without a change here.
package crash
