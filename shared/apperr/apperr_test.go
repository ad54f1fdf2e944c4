package apperr_test

import (
	"errors"
	"strings"
	"testing"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
)

func TestEveryReasonHasTwoSentences(t *testing.T) {
	t.Parallel()
	for reason, code := range apperr.Reasons() {
		e := apperr.New(reason)
		zh, en := e.Message(locale.Chinese), e.Message(locale.English)
		if zh == "" || en == "" || zh == en {
			t.Errorf("%d: messages %q and %q", reason, zh, en)
		}
		if strings.Count(zh, "%") != strings.Count(en, "%") {
			t.Errorf("%d: the verbs of %q and %q differ", reason, zh, en)
		}
		if e.Code() != code {
			t.Errorf("%d: Code() = %s, want %s", reason, e.Code(), code)
		}
	}
}

func TestEveryProblemHasTwoSentences(t *testing.T) {
	t.Parallel()
	seen := map[string]apperr.Problem{}
	for _, p := range apperr.Problems() {
		f := apperr.Field{Problem: p}
		zh, en := f.Message(locale.Chinese), f.Message(locale.English)
		if other, ok := seen[en]; ok {
			t.Errorf("problems %d and %d have the same sentence: %q", p, other, en)
		}
		seen[en] = p
		if en == "is not acceptable" || strings.Count(zh, "%") != strings.Count(en, "%") {
			t.Errorf("problem %d: %q, %q", p, zh, en)
		}
	}
}

// TestMessagesAboutTokensNameBothKinds: a caller with a JWT has no API key.
func TestMessagesAboutTokensNameBothKinds(t *testing.T) {
	t.Parallel()
	for reason, code := range apperr.Reasons() {
		e := apperr.New(reason, "x")
		for l, key := range map[locale.Locale]string{locale.Chinese: "密钥", locale.English: "API key"} {
			text := e.Message(l)
			if (code == apperr.Unauthenticated || code == apperr.Forbidden) && strings.Contains(text, key) && !strings.Contains(text, "JWT") {
				t.Errorf("%d: %q names API keys only", reason, text)
			}
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp 10.0.0.1: refused")

	e := apperr.From(cause)
	if e.Reason != apperr.InternalError || !errors.Is(e, cause) {
		t.Errorf("From(plain) = %v, want an internal error with its cause", e)
	}
	if strings.Contains(e.Message(locale.English), "10.0.0.1") {
		t.Errorf("the message leaks the cause: %q", e.Message(locale.English))
	}

	known := apperr.New(apperr.MissingScope, "webhooks:read")
	if got := apperr.From(errors.Join(known)); got != known {
		t.Errorf("From(wrapped) = %v, want the wrapped error", got)
	}
	if !apperr.Is(errors.Join(known), apperr.MissingScope) || apperr.Is(cause, apperr.MissingScope) {
		t.Error("Is does not find the reason")
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	if err := apperr.Refuse(nil); err != nil {
		t.Errorf("Refuse(nil) = %v, want nil", err)
	}
	many := make([]apperr.Field, 1000)
	many[0].Name = "\n" + strings.Repeat("x", 1000)
	if fields := apperr.From(apperr.Refuse(many)).Fields; len(fields) != apperr.MaxFields || fields[0].Name != "\ufffd"+strings.Repeat("x", apperr.MaxExcerpt-2)+"…" {
		t.Errorf("%d fields, the first %q, want %d and an excerpt", len(fields), fields[0].Name, apperr.MaxFields)
	}
	err := apperr.Refuse([]apperr.Field{{Name: "name", Problem: apperr.Length, Args: []any{1, 128}}})
	if !apperr.Is(err, apperr.InvalidFields) || !strings.Contains(err.Error(), "name: must have 1 to 128 characters") {
		t.Errorf("Refuse = %v", err)
	}
}
