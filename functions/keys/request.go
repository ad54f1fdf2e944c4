package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/event"
	"webhooks/shared/strictjson"
)

// action is the operation that a request asks for.
type action string

const (
	issue  action = "issue"
	list   action = "list"
	expire action = "expire"
	revoke action = "revoke"
)

// members holds the members of each action's request: true if required.
var members = map[action]map[string]bool{
	issue:  {"action": true, "tenant_id": true, "scopes": false, "expires_at": false},
	list:   {"action": true, "tenant_id": true},
	expire: {"action": true, "key_id": true, "expires_at": false},
	revoke: {"action": true, "key_id": true},
}

// request is the request of an administrator.
type request struct {
	action   action
	tenantID string
	keyID    string
	scopes   []auth.Scope
	// expiresAt is zero if the issued key never expires.
	expiresAt time.Time
}

// parser parses a request and collects every invalid member.
type parser struct {
	object  strictjson.Object
	now     time.Time
	refused []apperr.Field
}

// parse parses a request at now. The error names the first invalid members, for the
// person who invokes the function.
func parse(text []byte, now time.Time) (request, error) {
	object, err := strictjson.Parse(text)
	if err != nil {
		// The error quotes names of the request, in full and with any character. The
		// runtime sends it as a header too, and exits if that is not valid.
		return request{}, errors.New("the request must be one JSON object: " + apperr.Excerpt(strictjson.Describe(err)))
	}
	p := parser{object: object, now: now}
	a, _ := strictjson.String(object["action"])
	r := request{action: action(a), scopes: auth.Scopes()}
	allowed, known := members[r.action]
	if !known {
		p.refuse("action", apperr.NotOneOf, "issue, list, expire, revoke")
		return request{}, refusal(p.refused)
	}
	if r.action == expire {
		r.expiresAt = now
	}
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		if _, given := object[name]; allowed[name] && !given {
			p.refuse(name, apperr.Required)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if _, ok := allowed[name]; !ok {
			p.refuse(name, apperr.Unknown)
			continue
		}
		p.member(&r, name, object[name])
	}
	return r, refusal(p.refused)
}

// member parses one member into r.
func (p *parser) member(r *request, name string, value jsontext.Value) {
	switch name {
	case "tenant_id":
		r.tenantID = p.text(name, value, event.ValidID, apperr.IDSyntax)
	case "key_id":
		r.keyID = p.text(name, value, apikey.ValidID, apperr.KeyIDSyntax)
	case "scopes":
		names, ok := strictjson.Strings(value)
		if !ok {
			p.refuse(name, apperr.WrongType, "an array of strings")
			return
		}
		var refused []apperr.Field
		r.scopes, refused = apikey.ParseScopes(name, names)
		p.refused = append(p.refused, refused...)
	case "expires_at":
		r.expiresAt = p.time(name, value)
	}
}

func (p *parser) refuse(name string, problem apperr.Problem, args ...any) {
	p.refused = append(p.refused, apperr.Field{Name: name, Problem: problem, Args: args})
}

// text parses a string that valid accepts.
func (p *parser) text(name string, value jsontext.Value, valid func(string) bool, problem apperr.Problem) string {
	s, ok := strictjson.String(value)
	if !ok {
		p.refuse(name, apperr.WrongType, "a string")
	} else if !valid(s) {
		p.refuse(name, problem)
	}
	return s
}

// time parses a time in the future, in UTC and whole seconds. An expire request that
// ends a key at once has no time.
func (p *parser) time(name string, value jsontext.Value) time.Time {
	if _, ok := strictjson.String(value); !ok {
		p.refuse(name, apperr.WrongType, "a string")
		return time.Time{}
	}
	t, ok := strictjson.Time(value)
	if !ok {
		p.refuse(name, apperr.TimeSyntax)
		return time.Time{}
	}
	t = t.UTC().Truncate(time.Second)
	// A response with a later year cannot be encoded (RFC 3339 §1).
	if !t.After(p.now) || t.Year() > 9999 {
		p.refuse(name, apperr.TimeRange)
	}
	return t
}

// refusal returns one error for the invalid members, or nil.
func refusal(refused []apperr.Field) error {
	if len(refused) == 0 {
		return nil
	}
	parts := make([]string, 0, len(refused))
	for _, f := range apperr.Named(refused) {
		parts = append(parts, f.Name+" "+f.Message(locale.English))
	}
	return errors.New("the request is refused: " + strings.Join(parts, "; "))
}
