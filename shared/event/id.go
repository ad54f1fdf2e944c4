package event

// MaxIDLength is the longest id of an event or a tenant, in characters.
const MaxIDLength = 64

// ValidID reports whether s is a valid id of an event or a tenant: 1 to 64
// characters of [A-Za-z0-9_-]. Table keys join ids with '#', and the signed content joins
// them with '.', so an id contains neither (Standard Webhooks, "Webhook headers":
// an id must not contain a full stop).
func ValidID(s string) bool {
	if s == "" || len(s) > MaxIDLength {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
