package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
)

// function is the Lambda function. It takes the raw JSON, because the runtime's
// decoder ignores misspelt names.
type function func(context.Context, json.RawMessage) (any, error)

// store stores the keys. The error for an unknown id is [apikey.ErrNotFound].
type store interface {
	Create(context.Context, apikey.Key) error
	List(ctx context.Context, tenantID string) ([]apikey.Key, error)
	Expire(ctx context.Context, id string, expires, now time.Time) (apikey.Key, error)
	Revoke(ctx context.Context, id string) (apikey.Key, error)
}

type handler struct {
	log  *slog.Logger
	keys store
	now  func() time.Time
}

func (h handler) handle(ctx context.Context, text json.RawMessage) (any, error) {
	now := h.now().UTC().Truncate(time.Second)
	r, err := parse(text, now)
	if err != nil {
		return nil, err
	}
	switch r.action {
	case issue:
		return h.issue(ctx, r, now)
	case list:
		return h.list(ctx, r)
	case expire:
		return h.end(ctx, r, func() (apikey.Key, error) { return h.keys.Expire(ctx, r.keyID, r.expiresAt, now) })
	case revoke:
		return h.end(ctx, r, func() (apikey.Key, error) { return h.keys.Revoke(ctx, r.keyID) })
	}
	return nil, fmt.Errorf("the action %q is parsed but not handled", r.action)
}

// issued is the response to issue, the only one that holds a whole API key.
type issued struct {
	APIKey    string       `json:"api_key"`
	KeyID     string       `json:"key_id"`
	TenantID  string       `json:"tenant_id"`
	Scopes    []auth.Scope `json:"scopes"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt time.Time    `json:"expires_at,omitzero"`
}

func (h handler) issue(ctx context.Context, r request, now time.Time) (any, error) {
	token := apikey.Generate()
	key := token.Key(r.tenantID, r.scopes, now, r.expiresAt)
	if err := h.keys.Create(ctx, key); err != nil {
		return nil, err
	}
	h.audit(ctx, r.action, key)
	return issued{token.Text(), key.ID, key.TenantID, key.Scopes, key.CreatedAt, key.ExpiresAt}, nil
}

// view is a key as an administrator sees it.
type view struct {
	KeyID     string       `json:"key_id"`
	TenantID  string       `json:"tenant_id"`
	Scopes    []auth.Scope `json:"scopes"`
	LastFour  string       `json:"last_four"`
	CreatedAt time.Time    `json:"created_at"`
	ChangedAt time.Time    `json:"changed_at"`
	ExpiresAt time.Time    `json:"expires_at,omitzero"`
}

func viewOf(k apikey.Key) view {
	return view{k.ID, k.TenantID, k.Scopes, k.LastFour, k.CreatedAt, k.ChangedAt, k.ExpiresAt}
}

type listed struct {
	Keys []view `json:"keys"`
}

func (h handler) list(ctx context.Context, r request) (any, error) {
	keys, err := h.keys.List(ctx, r.tenantID)
	if err != nil {
		return nil, err
	}
	views := make([]view, 0, len(keys))
	for _, key := range keys {
		views = append(views, viewOf(key))
	}
	return listed{views}, nil
}

// end expires or revokes a key and returns it.
func (h handler) end(ctx context.Context, r request, do func() (apikey.Key, error)) (any, error) {
	key, err := do()
	if errors.Is(err, apikey.ErrNotFound) {
		return nil, fmt.Errorf("there is no API key with the id %s", r.keyID)
	}
	if err != nil {
		return nil, err
	}
	h.audit(ctx, r.action, key)
	return viewOf(key), nil
}

// audit logs one line for a change. A Lambda function is not told who invoked it, nor
// from where. CloudTrail records both under the same request id, if the trail
// records Lambda's data events.
func (h handler) audit(ctx context.Context, a action, key apikey.Key) {
	attributes := []slog.Attr{
		slog.String("audit", "key."+string(a)), slog.String("by", "IAM, see CloudTrail"), slog.String("tenant_id", key.TenantID),
		slog.String("key_id", key.ID), slog.Any("scopes", key.Scopes),
	}
	if !key.ExpiresAt.IsZero() {
		attributes = append(attributes, slog.Time("expires_at", key.ExpiresAt))
	}
	h.log.LogAttrs(ctx, slog.LevelInfo, "API key changed", attributes...)
}
