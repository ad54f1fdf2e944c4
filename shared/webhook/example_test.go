package webhook_test

import (
	"errors"
	"fmt"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// checker returns a guard with the settings of production.
func checker() webhook.URLChecker {
	g, err := guard.New(guard.Config{})
	if err != nil {
		panic(err)
	}
	return g
}

func ExampleDecodeRegistration() {
	r, err := webhook.DecodeRegistration([]byte(`{
		"name": "orders",
		"url": "https://hooks.example.com/orders",
		"secret": "your-secret-key",
		"events": ["training.completed", "training.failed"]
	}`), checker())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Name, r.URL, r.Events)
	fmt.Println("enabled:", r.Enabled)
	fmt.Println("generated secret:", r.SecretGenerated)
	// Output:
	// orders https://hooks.example.com/orders [training.completed training.failed]
	// enabled: true
	// generated secret: false
}

// One error names every invalid field.
func ExampleDecodeRegistration_refused() {
	_, err := webhook.DecodeRegistration([]byte(`{
		"name": "",
		"url": "http://hooks.example.com/",
		"events": ["training.lost"],
		"enable": true
	}`), checker())
	var refused *apperr.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Message(locale.English))
		for _, field := range refused.Fields {
			fmt.Printf("%s %s\n", field.Name, field.Message(locale.English))
		}
	}
	// Output:
	// Some fields are not acceptable; see errors
	// name must have 1 to 128 characters
	// url must use https
	// events is not a known event type: training.lost
	// enable is not a known field
}

// A patch changes only the fields in the body. The old secret signs along with a
// new one for a day.
func ExamplePatch_Apply() {
	w := webhook.Webhook{Name: "orders", Secret: "your-secret-key", Enabled: true}
	patch, err := webhook.DecodePatch([]byte(`{"secret": "another-secret", "enabled": false}`), 7, checker())
	if err != nil {
		fmt.Println(err)
		return
	}
	if w, err = patch.Apply(w, time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.Name, w.Secret, w.Enabled)
	for _, previous := range w.PreviousSecrets {
		fmt.Println(previous.Secret, "until", previous.ExpiresAt.Format(time.RFC3339))
	}
	// Output:
	// orders another-secret false
	// your-secret-key until 2026-01-27T10:00:00Z
}

// An index tells which webhooks an event is delivered to.
func ExampleIndex_Match() {
	failed := webhook.Webhook{Events: []event.Type{event.TrainingFailed}, Enabled: true}
	both := webhook.Webhook{Events: []event.Type{event.TrainingFailed, event.TrainingCompleted}, Enabled: true}
	disabled := webhook.Webhook{Events: []event.Type{event.TrainingFailed}}

	index := webhook.Index{1: failed.Mask(), 2: both.Mask(), 3: disabled.Mask()}
	fmt.Println(index.Match(event.TrainingFailed))
	fmt.Println(index.Match(event.TrainingCompleted))
	fmt.Println(index.Match(event.AlertResolved))
	// Output:
	// [1 2]
	// [2]
	// []
}
