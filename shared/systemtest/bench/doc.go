// Package bench measures the processor time, memory and cold start of the
// functions that handle an event. It runs their real binaries through Lambda's
// Runtime API against the local cloud, with a receiver on loopback. `make bench`
// runs it; nothing imports it.
//
// The processor time is that of the function's process only. The local cloud runs
// in its own process, and waiting takes no processor time, so the figures depend
// neither on the local cloud's speed nor on the load of the machine.
package bench
