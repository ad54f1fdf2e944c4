package attempt_test

import (
	"strings"
	"testing"

	"webhooks/shared/delivery/attempt"
)

// Err is logged, and errors of net/http quote an invalid response, in which a receiver
// may return the event and the signature.
func TestErrDoesNotQuoteTheResponse(t *testing.T) {
	t.Parallel()
	const mark = "marked-event-data"
	tests := []struct{ name, answer string }{
		{"instead of a status line", mark + "\r\n\r\n"},
		{"as a protocol", mark + " 200 OK\r\n\r\n"},
		{"as a status", "HTTP/1.1 " + mark + "\r\n\r\n"},
		{"as a header without a colon", ok + mark + "\r\n\r\n"},
		{"as a length", ok + "Content-Length: " + mark + "\r\n\r\n"},
		{"as a transfer coding", ok + "Transfer-Encoding: " + mark + "\r\n\r\n"},
		{"as a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n" + mark + "\r\n"},
		{"as a trailer", ok + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n" + mark + "\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, answering(tt.answer))
			got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
			if got.Err == nil || strings.Contains(got.Err.Error(), mark) {
				t.Errorf("Err = %v, want one without %q", got.Err, mark)
			}
		})
	}
}
