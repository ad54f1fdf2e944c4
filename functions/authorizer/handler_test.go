package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/apikeydb"
	"webhooks/shared/testkit/cloudtest"
)

// bundle is the function, as build wires it, and a valid key.
type bundle struct {
	authorize function
	store     *apikeydb.Store
	table     string
	log       *strings.Builder
	event     request
	token     apikey.Token
	key       apikey.Key
}

func setup(t *testing.T) bundle {
	t.Helper()
	table := cloudtest.Table(t, "KeysTable")
	b := bundle{
		store: apikeydb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), table),
		table: table,
		log:   new(strings.Builder),
		event: event(t),
		token: apikey.Generate(),
	}
	b.key = b.token.Key("acme", []auth.Scope{auth.WebhooksRead, auth.LogsRead}, time.Now().UTC().Truncate(time.Second), time.Time{})
	if err := b.store.Create(t.Context(), b.key); err != nil {
		t.Fatal(err)
	}
	var err error
	b.authorize, err = build(slog.New(slog.NewJSONHandler(b.log, nil)), cloudtest.Getenv(t, map[string]string{"KEYS_TABLE": table}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func event(t *testing.T) request {
	t.Helper()
	var r request
	if err := json.Unmarshal(cloudtest.Event(t, "authorizer.json"), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// ask sends the sample event with another Authorization header.
func (b bundle) ask(t *testing.T, header ...string) response {
	t.Helper()
	b.event.IdentitySource = header
	got, err := b.authorize(t.Context(), b.event)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGoodKeyIsAllowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := response{IsAuthorized: true, Context: map[string]any{
		"tenant_id": "acme", "scopes": "webhooks:read logs:read", "key_id": b.key.ID,
	}}
	for _, header := range []string{"Bearer ", "bearer ", "BEARER ", "Bearer  "} {
		if diff := cmp.Diff(want, b.ask(t, header+b.token.Text())); diff != "" {
			t.Errorf("%q (-want +got):\n%s", header, diff)
		}
	}
}

func TestInvalidKeyIsDenied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, secret, _ := strings.Cut(b.token.Text()[len("whk_"):], "_")
	other := apikey.Generate()
	_, otherSecret, _ := strings.Cut(other.Text()[len("whk_"):], "_")
	tests := []struct{ name, header, reason string }{
		{name: "the sample's unknown key", header: b.event.IdentitySource[0], reason: "unknown key"},
		{name: "a good id with another secret", header: "Bearer whk_" + b.key.ID + "_" + otherSecret, reason: "wrong secret"},
		{name: "a good secret with another id", header: "Bearer whk_" + other.KeyID + "_" + secret, reason: "unknown key"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(response{}, b.ask(t, tt.header)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !strings.Contains(b.log.String(), `"reason":"`+tt.reason+`"`) {
			t.Errorf("%s: log = %s", tt.name, b.log)
		}
	}
	for _, hidden := range []string{secret, otherSecret, b.event.IdentitySource[0]} {
		if strings.Contains(b.log.String(), hidden) {
			t.Errorf("the log holds the secret %s", hidden)
		}
	}
}

func TestExpiredAndRevokedKeysAreDenied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	if _, err := b.store.Expire(t.Context(), b.key.ID, now.Add(time.Hour), now); err != nil {
		t.Fatal(err)
	}
	if !b.ask(t, "Bearer "+b.token.Text()).IsAuthorized {
		t.Error("a key that expires later is denied")
	}
	if _, err := b.store.Expire(t.Context(), b.key.ID, now, now); err != nil {
		t.Fatal(err)
	}
	if b.ask(t, "Bearer "+b.token.Text()).IsAuthorized {
		t.Error("an expired key is allowed")
	}
	if _, err := b.store.Revoke(t.Context(), b.key.ID); err != nil {
		t.Fatal(err)
	}
	if b.ask(t, "Bearer "+b.token.Text()).IsAuthorized {
		t.Error("a revoked key is allowed")
	}
}

// stub is a table whose reads call a function.
type stub func(id string) (apikey.Key, error)

func (s stub) Get(_ context.Context, id string) (apikey.Key, error) { return s(id) }

func TestMalformedHeaderIsDeniedWithoutARead(t *testing.T) {
	t.Parallel()
	token := apikey.Generate().Text()
	tests := []struct {
		name    string
		headers []string
	}{
		{name: "no header"},
		{name: "an empty one", headers: []string{""}},
		{name: "two", headers: []string{"Bearer " + token, "Bearer " + token}},
		{name: "the scheme alone", headers: []string{"Bearer"}},
		{name: "no scheme", headers: []string{token}},
		{name: "another scheme", headers: []string{"Basic " + token}},
		{name: "a scheme that begins with Bearer", headers: []string{"Bearers " + token}},
		{name: "two tokens", headers: []string{"Bearer " + token + ", Bearer " + token}},
		{name: "a tab", headers: []string{"Bearer\t" + token}},
		{name: "a JWT", headers: []string{"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhY21lIn0."}},
		{name: "a character after the token", headers: []string{"Bearer " + token + "x"}},
		{name: "a token in upper case", headers: []string{"Bearer " + strings.ToUpper(token)}},
		{name: "a token of 1 MiB", headers: []string{"Bearer whk_" + strings.Repeat("a", 1<<20)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := handler{log: slog.New(slog.DiscardHandler), now: time.Now, jwts: noProvider{}, keys: stub(func(id string) (apikey.Key, error) {
				t.Errorf("the table is read for %q", id)
				return apikey.Key{}, nil
			})}
			r := event(t)
			r.IdentitySource = tt.headers
			if got, err := h.authorize(t.Context(), r); err != nil || got.IsAuthorized {
				t.Errorf("the response is %+v, %v; want a denial", got, err)
			}
		})
	}
}

// API Gateway answers 500 to an error and does not cache it. It would cache a
// denial.
func TestUnavailableTableIsAnError(t *testing.T) {
	t.Parallel()
	unavailable := errors.New("unavailable")
	h := handler{log: slog.New(slog.DiscardHandler), now: time.Now, jwts: noProvider{}, keys: stub(func(string) (apikey.Key, error) {
		return apikey.Key{}, unavailable
	})}
	if got, err := h.authorize(t.Context(), event(t)); !errors.Is(err, unavailable) || got.IsAuthorized {
		t.Errorf("the response is %+v, %v; want the error", got, err)
	}
}
