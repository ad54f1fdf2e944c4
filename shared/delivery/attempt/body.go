package attempt

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
)

// body is the body of a response (RFC 9112 §6.3).
type body struct {
	r       *bufio.Reader
	content io.Reader
	left    int64 // bytes that are missing of Content-Length
	coding  bodyCoding
	// complete is set when the whole body was read.
	complete bool
}

// bodyCoding says how the end of a body is found.
type bodyCoding int

const (
	codingLength  bodyCoding = iota // after left bytes
	codingChunked                   // after the last chunk
	codingClose                     // at the end of the connection
	codingUnclear                   // nowhere: only what arrived with the header is read
)

// newBody returns the body of the response with header h, and blames h if its end is
// not clear. To wait for the end of the connection would then be the other choice, but
// a receiver that keeps the connection open would make the attempt slow.
func newBody(h *head, r *bufio.Reader) *body {
	b := &body{r: r}
	b.coding, b.left = h.coding()
	switch b.coding {
	case codingLength:
		b.content, b.complete = io.LimitReader(r, b.left), b.left == 0
	case codingChunked:
		b.content = httputil.NewChunkedReader(r)
	case codingClose:
		b.content = r
	case codingUnclear:
		b.content = io.LimitReader(r, int64(r.Buffered()))
		if h.broken != nil {
			b.content = http.NoBody
		}
	}
	return b
}

// coding returns how the end of the body is found, and its length for codingLength.
func (h *head) coding() (bodyCoding, int64) {
	length, given := h.length()
	switch {
	case h.broken != nil:
		return codingUnclear, 0
	case h.status == http.StatusNoContent || h.status == http.StatusNotModified:
		return codingLength, 0
	case len(h.codings) == 1 && strings.EqualFold(h.codings[0], "chunked") && !h.old:
		return codingChunked, 0
	case len(h.codings) > 0:
		// No coding but "chunked" was asked for (RFC 9112 §7.4), and in HTTP/1.0 the
		// header makes the length doubtful (§6.1).
		h.blame(FaultTransferEncoding)
		return codingUnclear, 0
	case !given:
		return codingClose, 0
	case length < 0:
		return codingUnclear, 0
	}
	return codingLength, length
}

// length returns the Content-Length and whether there is one. It is negative, and h is
// blamed, if there are several or if it is not a number. The same number several times
// is one (RFC 9110 §8.6).
func (h *head) length() (length int64, given bool) {
	for _, line := range h.lengths {
		for text := range strings.SplitSeq(line, ",") {
			n, err := strconv.ParseUint(strings.Trim(text, " \t"), 10, 63)
			if err != nil || given && int64(n) != length {
				h.blame(FaultContentLength)
				return -1, true
			}
			length, given = int64(n), true
		}
	}
	return length, given
}

// Read reads the content. It returns io.EOF at the end of the body, and
// io.ErrUnexpectedEOF if the connection ends before.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	switch b.coding {
	case codingLength:
		b.left -= int64(n)
		b.complete = b.left == 0
		if err == io.EOF && !b.complete {
			err = io.ErrUnexpectedEOF
		}
	case codingChunked:
		b.complete = err == io.EOF
	case codingClose:
		// Many receivers end TLS without the close_notify alert, which
		// io.ErrUnexpectedEOF stands for. An excerpt needs no better.
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		b.complete = err == io.EOF
	}
	return n, err
}

// atEnd reports whether the whole body was read and the connection is ready for the
// next request. A trailer is not read, so a connection with one is not.
func (b *body) atEnd() bool {
	if !b.complete {
		return false
	}
	if b.coding == codingChunked && b.r.Buffered() == len("\r\n") {
		if end, err := b.r.Peek(2); err == nil && string(end) == "\r\n" {
			_, _ = b.r.Discard(2) // cannot fail: the bytes are buffered
		}
		return b.r.Buffered() == 0
	}
	return b.coding == codingLength && b.r.Buffered() == 0
}
