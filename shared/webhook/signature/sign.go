package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

const version = "v1,"

// Sign returns the value of the webhook-signature header: one v1 signature per
// key, in the order of keys, separated by spaces. A receiver accepts a delivery
// if any signature matches, so a secret can be changed without losing
// deliveries. Without keys the result is empty.
//
// The signed content is id, at in whole unix seconds, and body, joined by full
// stops. The id must not contain a full stop (ids match [A-Za-z0-9_-]{1,64}).
func Sign(keys []Key, id string, at time.Time, body []byte) string {
	head := make([]byte, 0, 96)
	head = append(head, id...)
	head = append(head, '.')
	head = strconv.AppendInt(head, at.Unix(), 10)
	head = append(head, '.')

	var sum [sha256.Size]byte
	header := make([]byte, 0, len(keys)*(len(version)+base64.StdEncoding.EncodedLen(len(sum))+1))
	for _, key := range keys {
		if key.IsZero() {
			continue
		}
		if len(header) > 0 {
			header = append(header, ' ')
		}
		header = append(header, version...)
		header = base64.StdEncoding.AppendEncode(header, key.mac(sum[:0], head, body))
	}
	return string(header)
}
