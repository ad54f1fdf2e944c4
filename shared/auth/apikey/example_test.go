package apikey_test

import (
	"fmt"
	"time"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
)

// A token is issued once. The store holds its key, without the secret, and checks
// the tokens that callers send.
func Example() {
	issued := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)

	token := apikey.Generate()
	key := token.Key("acme", []auth.Scope{auth.EventsPublish}, issued, issued.Add(24*time.Hour))
	header := token.Text() // shown to its owner

	sent, ok := apikey.Parse(header)
	fmt.Println("parsed:", ok, sent.KeyID == key.ID)
	fmt.Println("matches:", key.Matches(sent), key.Matches(apikey.Generate()))
	fmt.Println("expired:", key.Expired(issued), key.Expired(issued.Add(24*time.Hour)))
	// Output:
	// parsed: true true
	// matches: true false
	// expired: false true
}

// Anything that [apikey.Generate] cannot return is refused without a look-up.
func ExampleParse() {
	_, ok := apikey.Parse("whk_abcdefghijklmnop_secret")
	fmt.Println(ok)
	// Output: false
}

// A printed token does not show its secret.
func ExampleToken_String() {
	token, _ := apikey.Parse("whk_abcdefghijklmnop_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	fmt.Println(token)
	// Output: whk_abcdefghijklmnop_…
}
