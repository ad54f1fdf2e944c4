package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// samples returns ten equal samples.
func samples(latency time.Duration) []sample {
	var list []sample
	for range 10 {
		list = append(list, sample{latency: latency})
	}
	return list
}

func TestEveryFigureOfTheQuietTenantDecides(t *testing.T) {
	t.Parallel()
	const usual = 20 * time.Millisecond
	for _, tt := range []struct {
		name             string
		delivered, calls time.Duration // beside the busy tenant
		lost             int
		want             string
	}{
		{name: "twice as long", delivered: 2 * usual, calls: 2 * usual, want: within},
		{name: "slow deliveries", delivered: 3 * usual, calls: usual, want: beyond},
		{name: "slow API calls", delivered: usual, calls: 3 * usual, want: beyond},
		{name: "a lost delivery", delivered: usual, calls: usual, lost: 1, want: beyond},
	} {
		report, figures := compareTenants(samples(usual), samples(tt.delivered), samples(usual), samples(tt.calls), tt.lost, &busy{published: 7})
		if !strings.Contains(report, ": "+tt.want) || figures["busy_published"] != 7 || figures["lost"] != float64(tt.lost) {
			t.Errorf("%s: want %q:\n%s%v", tt.name, tt.want, report, figures)
		}
	}
}

func TestTheBusyTenantCountsWhatItMay(t *testing.T) {
	t.Parallel()
	var status int
	header := http.Header{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer key" {
			t.Error("a request without the tenant's key")
		}
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	b := &busy{stack: &stack{APIURL: server.URL, APIKey: "key"}}
	status = http.StatusAccepted
	if err := b.publishSome(t.Context()); err != nil || b.published != busyBatch {
		t.Errorf("%d published, %v", b.published, err)
	}
	status, header = http.StatusTooManyRequests, http.Header{"Retry-After": {"0"}}
	if err := b.publishSome(t.Context()); err != nil || b.refused != 1 || b.published != busyBatch {
		t.Errorf("%d published, %d refused, %v", b.published, b.refused, err)
	}
	header = http.Header{}
	if b.publishSome(t.Context()) == nil {
		t.Error("a 429 without Retry-After is no error")
	}
	status = http.StatusInternalServerError
	if b.publishSome(t.Context()) == nil || b.listOnce(t.Context()) == nil {
		t.Error("a 500 is no error")
	}
	status = http.StatusOK
	if err := b.listOnce(t.Context()); err != nil || b.lists != 1 {
		t.Errorf("%d lists, %v", b.lists, err)
	}
}
