package event

// MaxIDLength is the length of the longest id of an event or a tenant.
const MaxIDLength = 64

// ValidID reports whether s may name an event or a tenant: 1 to 64 of
// [A-Za-z0-9_-]. Keys of tables and signed content join ids with '#' and '.',
// so neither may occur (Standard Webhooks, "Webhook headers": an id must not
// contain a full stop).
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
