// Package crash holds one test: it lets every AWS call on the way of an event
// fail in every manner, and the process die in front of and after each of
// them, and looks whether anything is lost, stuck, orphaned or repeated.
//
// It is a package of its own because that way leads through fanout, dispatcher
// and retrier, none of which may import another. They are wired as the
// functions wire them, on tables and queues of the local cloud, in one process
// and on a clock that jumps from one thing to the next. Calls are found by
// counting them in the SDK, so that a new one is covered without anyone
// remembering it.
package crash
