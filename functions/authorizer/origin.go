package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// originHeader is the header that the distribution in front of the API adds.
const originHeader = "x-origin-secret"

// origin holds the hashes of the values that the header of a request may have. A hash
// takes as long to compare whatever a caller sends. Without values every request passes.
type origin [][sha256.Size]byte

// newOrigin returns the origin of secrets, which are separated by commas: while an
// operator changes the value, the old and the new one pass.
func newOrigin(secrets string) origin {
	var o origin
	for secret := range strings.SplitSeq(secrets, ",") {
		if secret != "" {
			o = append(o, sha256.Sum256([]byte(secret)))
		}
	}
	return o
}

// passed reports whether a request with these headers came through the distribution,
// such as CloudFront with a firewall.
func (o origin) passed(headers map[string]string) bool {
	passed := len(o) == 0
	for name, value := range headers { // SAM CLI leaves the names in the client's case
		if !strings.EqualFold(name, originHeader) {
			continue
		}
		given := sha256.Sum256([]byte(value))
		for _, secret := range o {
			if subtle.ConstantTimeCompare(given[:], secret[:]) == 1 {
				passed = true
			}
		}
	}
	return passed
}
