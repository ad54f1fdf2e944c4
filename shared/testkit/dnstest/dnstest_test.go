package dnstest_test

import (
	"errors"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/dnstest"
)

func TestAnswersFollowEachOther(t *testing.T) {
	t.Parallel()
	zone := dnstest.New(t)
	resolver := zone.Resolver()
	lookUp := func() []string {
		addrs, err := resolver.LookupHost(t.Context(), "moving.example.com")
		if err != nil {
			t.Fatal(err)
		}
		return addrs
	}
	zone.Set("moving.example.com", []string{"127.0.0.1"}, []string{"10.0.0.1"})
	got := [][]string{lookUp(), lookUp(), lookUp()}
	zone.Set("moving.example.com", []string{"fd00::1"})
	got = append(got, lookUp())
	if diff := cmp.Diff([][]string{{"127.0.0.1"}, {"10.0.0.1"}, {"10.0.0.1"}, {"fd00::1"}}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	var unknown *net.DNSError
	if _, err := resolver.LookupHost(t.Context(), "other.example.com"); !errors.As(err, &unknown) || !unknown.IsNotFound {
		t.Errorf("an unknown name: %v, want not found", err)
	}
}
