package apikey_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
)

func now() time.Time { return time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC) }

func TestTokenMatchesOnlyItsKey(t *testing.T) {
	t.Parallel()
	token, other := apikey.Generate(), apikey.Generate()
	key := token.Key("acme", auth.Scopes(), now(), time.Time{})
	parsed, ok := apikey.Parse(token.Text())
	if !ok || parsed != token {
		t.Fatalf("Parse(%q) does not return the token", token.Text())
	}
	if !key.Matches(parsed) {
		t.Error("the token does not match its key")
	}
	if key.Matches(other) {
		t.Error("another token matches the key")
	}
	if (apikey.Key{}).Matches(token) {
		t.Error("a token matches the zero key")
	}
	if key.LastFour != token.Text()[len(token.Text())-4:] {
		t.Errorf("the last four characters are %q", key.LastFour)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := apikey.Generate().Text()
	id, secret := good[4:20], good[21:]
	tests := []struct{ name, token string }{
		{name: "nothing", token: ""},
		{name: "the prefix alone", token: "whk_"},
		{name: "no prefix", token: good[4:]},
		{name: "another prefix", token: "whx_" + good[4:]},
		{name: "an upper-case prefix", token: "WHK_" + good[4:]},
		{name: "no secret", token: "whk_" + id},
		{name: "an empty secret", token: "whk_" + id + "_"},
		{name: "an empty id", token: "whk__" + secret},
		{name: "a short id", token: "whk_" + id[1:] + "_" + secret},
		{name: "a short secret", token: "whk_" + id + "_" + secret[1:]},
		{name: "a long secret", token: good + "a"},
		{name: "an underscore in the id", token: "whk_" + id[:15] + "__" + secret},
		{name: "upper case", token: "whk_" + id + "_" + strings.ToUpper(secret)},
		{name: "a letter outside the alphabet", token: good[:len(good)-1] + "1"},
		{name: "a separator of table keys", token: good[:len(good)-1] + "#"},
		{name: "a space at the end", token: good + " "},
		{name: "a line break inside", token: good[:30] + "\n" + good[31:]},
		{name: "not UTF-8", token: good[:30] + "\xff" + good[31:]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if token, ok := apikey.Parse(tt.token); ok {
				t.Errorf("Parse(%q) = %v, want a refusal", tt.token, token)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(apikey.Generate().Text())
	f.Add("whk_abcdefghijklmnop_" + strings.Repeat("a", 52))
	f.Fuzz(func(t *testing.T, text string) {
		if token, ok := apikey.Parse(text); ok && (token.Text() != text || !apikey.ValidID(token.KeyID)) {
			t.Errorf("Parse(%q) = %q", text, token.Text())
		}
	})
}

func TestPrintedTokenHasNoSecret(t *testing.T) {
	t.Parallel()
	token := apikey.Generate()
	secret := token.Text()[21:]
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("token", "token", token)
	printed := fmt.Sprintf("%v %+v %#v %s %q %v", token, token, token, token, token, &token) + log.String()
	if strings.Contains(printed, secret) || !strings.Contains(printed, token.KeyID) {
		t.Errorf("printed: %s", printed)
	}
}

func TestGenerateNeverRepeats(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		token := apikey.Generate()
		id, secret := token.KeyID, token.Text()[21:]
		if seen[id] || seen[secret] {
			t.Fatalf("generated twice: %v", token)
		}
		seen[id], seen[secret] = true, true
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		expires time.Time
		want    bool
	}{
		{name: "never", want: false},
		{name: "later", expires: now().Add(time.Second), want: false},
		{name: "now", expires: now(), want: true},
		{name: "before", expires: now().Add(-time.Second), want: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (apikey.Key{ExpiresAt: tt.expires}).Expired(now()); got != tt.want {
				t.Errorf("Expired = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseScopes(t *testing.T) {
	t.Parallel()
	field := func(p apperr.Problem, args ...any) apperr.Field {
		return apperr.Field{Name: "scopes", Problem: p, Args: args}
	}
	tests := []struct {
		name    string
		names   []string
		want    []auth.Scope
		refused []apperr.Field
	}{
		{name: "one", names: []string{"logs:read"}, want: []auth.Scope{auth.LogsRead}},
		{name: "in the order of auth.Scopes", names: []string{"logs:read", "webhooks:read"}, want: []auth.Scope{auth.WebhooksRead, auth.LogsRead}},
		{name: "none", names: []string{}, refused: []apperr.Field{field(apperr.EmptyList)}},
		{name: "every problem", names: []string{"logs:read", "Logs:Read", "logs:read", "*"}, refused: []apperr.Field{
			field(apperr.UnknownScope, "Logs:Read"), field(apperr.DuplicateScope, "logs:read"), field(apperr.UnknownScope, "*"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, refused := apikey.ParseScopes("scopes", tt.names)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.refused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}
