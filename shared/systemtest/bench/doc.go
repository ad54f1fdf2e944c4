// Package bench measures what the functions on the way of an event take: their
// real binaries, driven through Lambda's Runtime API against the local cloud,
// with a receiver on loopback. `make bench` runs it; there is nothing to import.
//
// The processor time is that of the function's process alone. The local cloud
// works in a process of its own, and while the function waits for it, or for a
// processor that others use, nothing is counted: so its speed is not in the
// figures, nor is the load of the machine.
package bench
