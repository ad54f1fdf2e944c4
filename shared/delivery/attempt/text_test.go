package attempt_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"webhooks/shared/apperr/locale"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook/signature"
)

// Every failure has a sentence of its own in both languages, except FailureRefused,
// which reads like FailureConnect: a difference would reveal what our network blocks.
func TestFailureText(t *testing.T) {
	t.Parallel()
	seen := map[locale.Text]attempt.Failure{}
	for _, failure := range []attempt.Failure{
		attempt.FailureDNS, attempt.FailureConnect, attempt.FailureIPv6, attempt.FailureSend, attempt.FailureTimeout, attempt.FailureReset,
		attempt.FailureProtocol, attempt.FailureURL, attempt.FailureRefused, attempt.FailureInternal, attempt.FailureHeld, attempt.FailurePaceFull,
		attempt.FailureTLS, attempt.FailureTLSTimeout, attempt.FailureTLSClosed, attempt.FailureTLSPlain, attempt.FailureTLSVersion,
		attempt.FailureTLSClientCert, attempt.FailureTLSName, attempt.FailureTLSExpired, attempt.FailureTLSAuthority, attempt.FailureTLSCertificate,
		attempt.FaultLine + "7", attempt.FaultHeaderSize, attempt.FaultHeaderTimeout, attempt.FaultContentLength,
		attempt.FaultTransferEncoding, attempt.FaultChunk, attempt.FaultBodyTimeout,
	} {
		text := failure.Text()
		if text.Chinese == "" || text.English == "" {
			t.Errorf("%s has no sentence", failure)
		}
		if other, ok := seen[text]; ok && !(other == attempt.FailureConnect && failure == attempt.FailureRefused) {
			t.Errorf("%s and %s have the same sentence", failure, other)
		}
		seen[text] = failure
	}
	if attempt.FailureConnect.Text() != attempt.FailureRefused.Text() {
		t.Error("a refused address and a closed port have different sentences")
	}
	if text := (attempt.FaultLine + "7").Text(); !strings.Contains(text.English, "Line 7 ") || !strings.Contains(text.Chinese, "第 7 行") {
		t.Errorf("a malformed line reads %+v", text)
	}
	// A newer release may store others.
	for _, unknown := range []attempt.Failure{"new", "new:7", "header_size:7", ":"} {
		if unknown.Text() != attempt.FailureInternal.Text() {
			t.Errorf("%s reads %+v", unknown, unknown.Text())
		}
	}
	if (attempt.Failure("").Text() != locale.Text{}) {
		t.Error("the empty Failure has a sentence")
	}
}

// Err is logged, so it must not contain secrets, tokens or event data.
func TestErrHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, answering("nonsense\r\n\r\n"))
	request := newRequest(t, r.url+"?token=TOKEN")
	got := newSender(t, attempt.Config{}).Send(t.Context(), request)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	signed := signature.Sign(request.Keys, request.ID, request.Time, request.Body)
	for _, hidden := range []string{"TOKEN", secret, string(key), signed, "environment.created"} {
		if strings.Contains(got.Err.Error(), hidden) {
			t.Errorf("cause %q contains %q", got.Err, hidden)
		}
	}
}
