package lambdatest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU returns the processor time that the function's process has used since it
// was started, its own alone. It is what the kernel's scheduler counted for its
// threads, in nanoseconds (Go ends no thread): rusage has the same sum in ticks.
// Between two invocations the process rests, so nothing is missing.
func (f *Function) CPU() time.Duration {
	f.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", f.process.Process.Pid))
	if err != nil || len(threads) == 0 {
		f.t.Fatalf("the process has no threads in /proc, which only Linux has (%v)", err)
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

// PeakMemory returns the most memory, in bytes, that the process ever had
// resident (VmHWM), its code included.
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
