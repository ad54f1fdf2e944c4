package auth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth"
)

// TestContextCarriesTheCaller checks that the functions read what the authorizer
// writes.
func TestContextCarriesTheCaller(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		caller auth.Caller
		want   map[string]any
	}{
		{
			name:   "API key",
			caller: auth.Caller{TenantID: "acme", Scopes: []auth.Scope{auth.WebhooksRead, auth.LogsRead}, KeyID: "abcdefghijklmnop"},
			want:   map[string]any{"tenant_id": "acme", "scopes": "webhooks:read logs:read", "key_id": "abcdefghijklmnop"},
		},
		{
			name:   "JWT",
			caller: auth.Caller{TenantID: "acme", Scopes: []auth.Scope{auth.EventsPublish}, Subject: "user-1"},
			want:   map[string]any{"tenant_id": "acme", "scopes": "events:publish", "subject": "user-1"},
		},
		{
			name:   "JWT without a sub and without scopes",
			caller: auth.Caller{TenantID: "acme"},
			want:   map[string]any{"tenant_id": "acme", "scopes": "", "subject": ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			context := tt.caller.Context()
			if diff := cmp.Diff(tt.want, context); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.caller, auth.FromContext(context)); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContextOfAPublicRouteHasNoCaller(t *testing.T) {
	t.Parallel()
	for _, context := range []map[string]any{nil, {}, {"tenant_id": 7, "scopes": []any{"webhooks:read"}}} {
		if diff := cmp.Diff(auth.Caller{}, auth.FromContext(context)); diff != "" {
			t.Errorf("caller of %v (-want +got):\n%s", context, diff)
		}
	}
}
