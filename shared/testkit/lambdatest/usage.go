package lambdatest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU returns the CPU time that the process has used since its start. It adds up what
// the kernel's scheduler counts for each thread in nanoseconds; rusage has the same
// sum in ticks. The sum is complete, because Go ends no thread and the process is
// idle between invocations.
func (f *Function) CPU() time.Duration {
	f.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", f.process.Process.Pid))
	if err != nil || len(threads) == 0 {
		f.t.Fatalf("the process has no threads in /proc; this needs Linux (%v)", err)
	}
	var sum time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread) // #nosec G304 -- a file of /proc, of a process that the test started
		if err != nil {
			f.t.Fatal(err)
		}
		nanoseconds, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			f.t.Fatalf("read %s: %v", thread, err)
		}
		sum += time.Duration(nanoseconds)
	}
	return sum
}

// PeakMemory returns the peak resident memory of the process in bytes (VmHWM). It
// includes the code.
func (f *Function) PeakMemory() int64 {
	f.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.process.Process.Pid))
	if err != nil {
		f.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, "VmHWM:"); is {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				f.t.Fatalf("read %q: %v", line, err)
			}
			return kilobytes << 10
		}
	}
	f.t.Fatal("the process has no VmHWM")
	return 0
}
