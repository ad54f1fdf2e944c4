package httpapi

import (
	"fmt"
	"unicode/utf8"
)

// MaxAnswer is the limit of an answer's body, in bytes as Lambda counts them: it sends
// the body as a JSON string, in which quotation marks, backslashes and control
// characters take more than one byte. An answer of more than 6 MB would end the
// process:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
//
// The largest answers (1,000 webhooks, 100 logs, 100 refused events) are smaller. So
// an answer that exceeds the limit is a bug, and becomes an InternalError.
const MaxAnswer = 5 << 20

// Write appends p to the body. It appends nothing and returns an error if the body
// would exceed [MaxAnswer].
func (w *writer) Write(p []byte) (int, error) {
	size := w.size + encodedSize(p)
	if size > MaxAnswer {
		return 0, fmt.Errorf("the answer has %d bytes, more than %d", size, MaxAnswer)
	}
	w.size = size
	return w.body.Write(p)
}

// encodedSize returns how many bytes text takes in a JSON string, as encoding/json
// writes it without escapes for HTML.
func encodedSize(text []byte) int {
	size := len(text)
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t', c == '\b', c == '\f':
			size++
		case c < ' ':
			size += len(`\u0000`) - 1
		case c >= utf8.RuneSelf:
			r, width := utf8.DecodeRune(text[i:])
			// Invalid UTF-8 is replaced, and JavaScript's line ends are escaped.
			if r == utf8.RuneError && width == 1 || r == '\u2028' || r == '\u2029' {
				size += len(`\u2028`) - width
			}
			i += width
			continue
		}
		i++
	}
	return size
}
