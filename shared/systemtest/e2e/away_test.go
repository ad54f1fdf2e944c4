package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"
)

// down gives r the URL of a port that refuses connections, and returns a function
// that starts r there. The port is bound at once, so that no other program can take
// it.
func down(t testing.TB, r *receiver) (start func()) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(socket), "receiver")
	t.Cleanup(func() { _ = file.Close() }) // the listener has its own copy
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	bound, isIPv4 := name.(*syscall.SockaddrInet4)
	if !isIPv4 {
		t.Fatalf("bound to %v, want an IPv4 address", name)
	}
	r.URL = fmt.Sprintf("http://127.0.0.1:%d/webhook", bound.Port)
	return func() {
		t.Helper()
		if err := syscall.Listen(socket, 128); err != nil {
			t.Fatal(err)
		}
		listener, err := net.FileListener(file)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: r.handler(ok), ReadHeaderTimeout: time.Minute}
		t.Cleanup(func() { _ = server.Close() })
		go func() { _ = server.Serve(listener) }() // returns when the server is closed
	}
}
