package attempt_test

import (
	"net"
	"net/http/httptest"
	"testing"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/guard"
	"webhooks/shared/testkit/dnstest"
)

// A name whose address is refused does not end its deliveries for
// good: another answer of the DNS may be right. Only the URL itself can.
func TestARefusedAddressOfANameIsNotPermanent(t *testing.T) {
	t.Parallel()
	zone, addresses := dnstest.New(t), map[string]string{
		"loopback.example.com": "127.0.0.1", "any.example.com": "0.0.0.0", "private.example.com": "10.0.0.1",
		"metadata.example.com": "169.254.169.254", "ula.example.com": "fd00::1", "loopback6.example.com": "::1",
	}
	g, err := guard.New(guard.Config{Resolver: zone.Resolver()})
	if err != nil {
		t.Fatal(err)
	}
	sender := attempt.New(g, attempt.Config{Timeout: patience})
	for host, address := range addresses {
		zone.Set(host, []string{address})
		got := sender.Send(t.Context(), newRequest(t, "https://"+host+"/"))
		checkResult(t, got, attempt.Result{Failure: attempt.FailureConnect})
		if got.Failure.Permanent() || got.Failure.Text() != attempt.FailureRefused.Text() {
			t.Errorf("%s: permanent %t, text %q", host, got.Failure.Permanent(), got.Failure.Text().English)
		}
	}
	for _, url := range []string{"https://10.0.0.1/", "https://127.0.0.1/", "https://[fd00::1]/", "https://localhost/", "https://db.internal/"} {
		got := sender.Send(t.Context(), newRequest(t, url))
		checkResult(t, got, attempt.Result{Failure: attempt.FailureRefused})
		if !got.Failure.Permanent() {
			t.Errorf("%s: not permanent", url)
		}
	}
}

// A delivery goes on when the name leads to its receiver again.
func TestANameThatWasRefusedIsReachedLater(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// Loopback stands for the public address.
	zone := dnstest.New(t)
	zone.Set("moving.example.com", []string{"10.0.0.1"})
	g, err := guard.New(guard.Config{AllowLocal: true, Resolver: zone.Resolver()})
	if err != nil {
		t.Fatal(err)
	}
	sender := attempt.New(g, attempt.Config{Timeout: patience})
	request := newRequest(t, "http://moving.example.com:"+port)
	checkResult(t, sender.Send(t.Context(), request), attempt.Result{Failure: attempt.FailureConnect})
	zone.Set("moving.example.com", []string{"127.0.0.1"})
	if got := sender.Send(t.Context(), request); got.StatusCode != 404 {
		t.Errorf("result = %+v, want the answer of the receiver", got)
	}
}
