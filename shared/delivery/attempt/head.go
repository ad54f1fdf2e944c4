package attempt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// head is what the header of a response says. Everything but status is read as far as
// the header is well-formed.
type head struct {
	status     int
	old        bool // HTTP/1.0 or HTTP/0.x
	retryAfter string
	lengths    []string // Content-Length
	codings    []string // Transfer-Encoding
	connection string
	// fault says what was wrong with the header, or is empty.
	fault Failure
	// broken is set if the header did not end, so nothing can follow.
	broken error
}

// Errors of readHead.
var (
	errNotHTTP    = errors.New("the response is not HTTP")
	errStatus     = errors.New("the response has no final status")
	errHeaderSize = errors.New("the header of the response is too large")
)

// readHead reads the header of the final response, at most maxHeaderBytes together with
// the informational responses before it (RFC 9110 §15.2). It returns an error only if
// no status of a final response could be read. It is as lenient as it can be: net/http
// refuses a response as a whole for one malformed line.
func readHead(r *bufio.Reader) (head, error) {
	lines := lineReader{r: r, left: maxHeaderBytes}
	for {
		var h head
		line, err := lines.next()
		for err == nil && len(line) == 0 {
			line, err = lines.next() // some receivers begin with an empty line
		}
		var valid bool
		h.status, h.old, valid = parseStatusLine(line, err == nil)
		switch {
		case !valid && err != nil && len(line) == 0:
			return head{}, err
		case !valid && isTimeout(err):
			return head{}, err
		case !valid:
			return head{}, errNotHTTP
		case h.status < 100 || h.status == http.StatusSwitchingProtocols:
			// The body after 101, which was not requested, would be the raw connection.
			return head{}, errStatus
		}
		if err == nil {
			err = h.readLines(&lines)
		}
		if h.status < 200 {
			if err != nil {
				return head{}, err
			}
			continue
		}
		if err != nil {
			h.broken = err
			h.blame(headerFault(err))
		}
		return h, nil
	}
}

// headerFault returns the Fault of a header that did not end because of err.
func headerFault(err error) Failure {
	switch {
	case errors.Is(err, errHeaderSize):
		return FaultHeaderSize
	case isTimeout(err):
		return FaultHeaderTimeout
	}
	return FailureReset
}

// blame sets the fault, unless there is an earlier one.
func (h *head) blame(fault Failure) {
	if h.fault == "" {
		h.fault = fault
	}
}

// readLines reads the lines after the status line, up to the empty one.
func (h *head) readLines(lines *lineReader) error {
	var value *string // of the line before, for its continuation
	for number := 2; ; number++ {
		line, err := lines.next()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		// A line that begins with a space continues the line before (RFC 9112 §5.2).
		if isBlank(line[0]) {
			if number == 2 || lines.controls {
				h.blame(faultyLine(number))
			}
			if value != nil {
				extend(value, " ", line)
			}
			continue
		}
		name, text, found := bytes.Cut(line, []byte(":"))
		value = nil
		if !found || !isName(name) || lines.controls {
			h.blame(faultyLine(number))
		}
		if found {
			value = h.add(name, text)
		}
	}
}

// add stores the value of a header line that matters, and returns where.
func (h *head) add(name, text []byte) *string {
	name = bytes.TrimRight(name, " \t")
	switch {
	case equal(name, "content-length"):
		h.lengths = append(h.lengths, trim(text))
		return &h.lengths[len(h.lengths)-1]
	case equal(name, "transfer-encoding"):
		h.codings = append(h.codings, trim(text))
		return &h.codings[len(h.codings)-1]
	case equal(name, "connection"):
		extend(&h.connection, ",", text)
		return &h.connection
	case equal(name, "retry-after") && h.retryAfter == "":
		h.retryAfter = trim(text)
		return &h.retryAfter
	}
	return nil
}

// maxValue is the length at which a value takes no more lines, in bytes. To copy a value
// for each of 20,000 short lines would take a second of processor time, which the other
// deliveries of the invocation need.
const maxValue = 1 << 10

// extend adds text to the end of value, after separator if value is not empty.
func extend(value *string, separator string, text []byte) {
	switch {
	case *value == "":
		*value = trim(text)
	case len(*value) < maxValue:
		*value += separator + trim(text)
	}
}

// equal reports whether name is lower, in any case.
func equal(name []byte, lower string) bool {
	return len(name) == len(lower) && strings.EqualFold(string(name), lower)
}

// keepAlive reports whether the receiver keeps the connection open (RFC 9112 §9.3).
func (h *head) keepAlive() bool {
	keep := !h.old
	for token := range strings.SplitSeq(h.connection, ",") {
		switch strings.ToLower(strings.Trim(token, " \t")) {
		case "close":
			return false
		case "keep-alive":
			keep = true
		}
	}
	return keep
}

// parseStatusLine returns the status of a status line (RFC 9112 §4), and whether its
// version is below 1.1. A line that is not complete is valid if something follows the
// status, because the status may go on otherwise.
func parseStatusLine(line []byte, complete bool) (status int, old, valid bool) {
	const protocol = "http/"
	end := bytes.IndexAny(line, " \t")
	if end < len(protocol) || !equal(line[:len(protocol)], protocol) {
		return 0, false, false
	}
	version, rest := line[len(protocol):end], bytes.TrimLeft(line[end:], " \t")
	if !isVersion(version) || len(rest) < 3 {
		return 0, false, false
	}
	if len(rest) == 3 && !complete || len(rest) > 3 && isDigit(rest[3]) {
		return 0, false, false
	}
	for _, c := range rest[:3] {
		if !isDigit(c) {
			return 0, false, false
		}
		status = status*10 + int(c-'0')
	}
	return status, version[0] == '0' || string(version) == "1.0", true
}

// isVersion reports whether text is a version: "1.1", or "2" as some proxies write it.
func isVersion(text []byte) bool {
	return (len(text) == 1 || len(text) == 3 && text[1] == '.' && isDigit(text[2])) && isDigit(text[0])
}

// isName reports whether text can be the name of a header. It permits spaces, as
// net/http does.
func isName(text []byte) bool {
	for _, c := range text {
		if c <= ' ' && c != ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return len(text) > 0
}

func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isBlank(c byte) bool     { return c == ' ' || c == '\t' }
func isControl(c byte) bool   { return c < ' ' && c != '\t' || c == 0x7f }
func trim(text []byte) string { return string(bytes.Trim(text, " \t")) }

// lineReader reads the lines of a header.
type lineReader struct {
	r        *bufio.Reader
	left     int  // bytes that may still be read
	controls bool // the last line has control characters
}

// next returns the next line without its end, CRLF or LF. It returns only the beginning
// of a line that is longer than the buffer of r. With an error it returns what was read
// of the line. The result is valid until the next call.
func (l *lineReader) next() ([]byte, error) {
	l.controls = false
	var first []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if l.left -= len(part); l.left < 0 {
			err = errHeaderSize
		}
		text := part
		if err == nil {
			text = part[:len(part)-1]
		}
		text = bytes.TrimSuffix(text, []byte("\r")) // the end of part may be within CRLF
		for _, c := range text {
			l.controls = l.controls || isControl(c)
		}
		switch {
		case err == bufio.ErrBufferFull:
			if first == nil {
				first = bytes.Clone(part)
			}
			continue
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		}
		if first != nil {
			return first, err
		}
		return text, err
	}
}
