package signature_test

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"webhooks/shared/webhook/signature"
)

// A sender signs a delivery, and a receiver verifies it with a Standard Webhooks
// library.
func Example() {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	id, now := "evt_01HZX3V4Q5", time.Now()
	body := []byte(`{"type":"training.failed"}`)

	key, err := signature.ParseSecret(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	header := http.Header{}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	header.Set("webhook-signature", signature.Sign([]signature.Key{key}, id, now, body))

	receiver, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("as sent:", receiver.Verify(body, header))
	fmt.Println("altered:", receiver.Verify([]byte(`{"type":"training.completed"}`), header))
	// Output:
	// as sent: <nil>
	// altered: unable to verify payload, err: no matching signature found
}

// The input is the test vector of the Standard Webhooks libraries.
func ExampleSign() {
	key, err := signature.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Unix(1614265330, 0)
	fmt.Println(signature.Sign([]signature.Key{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`)))
	// Output:
	// v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
}

// A secret is either whsec_ and a base64 key, or a text whose bytes are the key.
func ExampleParseSecret() {
	for _, secret := range []string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"your-secret-key",
		"short",
		"whsec_your-secret-key",
		"whsec_c2hvcnQ=",
	} {
		key, err := signature.ParseSecret(secret)
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		fmt.Println("accepted:", key) // a Key never shows the secret
	}
	// Output:
	// accepted: [redacted]
	// accepted: [redacted]
	// refused: secret is not 8 to 256 characters long
	// refused: secret is not padded standard base64 after whsec_
	// refused: secret has a key that is not 24 to 64 bytes long after whsec_
}
