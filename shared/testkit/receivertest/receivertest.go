// Package receivertest is a receiver for tests whose answers are bytes, which may violate
// HTTP.
package receivertest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// Raw returns the URL of a receiver that reads a request from each connection, sends
// answer, and closes the connection. What is no request, such as a TLS handshake, gets the
// answer too.
func Raw(t testing.TB, answer string) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, request.Body)
				}
				_, _ = io.WriteString(conn, answer)
			}()
		}
	}()
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Errorf("close the receiver: %v", err)
		}
		<-done
	})
	return "http://" + listener.Addr().String()
}
