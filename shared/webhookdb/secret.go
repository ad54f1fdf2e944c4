package webhookdb

import (
	"errors"
	"strings"
)

// plain marks a secret that is stored as it is. Every stored secret begins with
// a marker, so that encrypted ones can stand beside the old ones some day.
const plain = "plain:"

var errSecretFormat = errors.New("the stored secret has an unknown format")

func sealSecret(secret string) string { return plain + secret }

func openSecret(stored string) (string, error) {
	secret, ok := strings.CutPrefix(stored, plain)
	if !ok {
		return "", errSecretFormat // without the text: it is a secret
	}
	return secret, nil
}
