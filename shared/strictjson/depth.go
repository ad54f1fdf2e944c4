package strictjson

import "errors"

// MaxDepth is how many levels of arrays and objects the value of a member may have.
// Parsers recurse once for each level, so they limit the levels too (RFC 8259 §9).
const MaxDepth = 100

// ErrTooDeep is the error for an object with a value of more than MaxDepth levels.
var ErrTooDeep = errors.New("arrays and objects are nested too deep")

// parsedLevels is how many levels the parser may see. In a request with a list of
// objects, three levels are around a value. One more level than MaxDepth shows that
// the value is too deep.
const parsedLevels = 3 + MaxDepth + 1

// Depth returns how many levels of arrays and objects v has: 0 for a number, 1 for
// an array of numbers.
func Depth(v []byte) int {
	depth, _ := bound(v, len(v))
	return depth
}

// bound returns the depth of text, and text without what is in arrays and objects
// below the given number of levels. It accepts any text, is linear and does not
// recurse.
func bound(text []byte, levels int) (depth int, bounded []byte) {
	level, kept := 0, 0 // text before kept is in bounded or left out
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if level++; level == levels+1 {
				bounded = append(bounded, text[kept:i+1]...)
			}
			depth = max(depth, level)
		case c == ']' || c == '}':
			if level == levels+1 {
				kept = i
			}
			level--
		}
	}
	if depth <= levels {
		return depth, text
	}
	if level > levels { // text ends in what is left out
		return depth, bounded
	}
	return depth, append(bounded, text[kept:]...)
}
