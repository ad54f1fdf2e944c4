package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

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
