package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// The attributes of a webhook's health. Times are in unix milliseconds. They are
// not part of the webhook's record, and writing them does not change the
// revision: updates do not conflict with them, and remove them only with the address
// that they are about.
//
// Every write has the address of the webhook that its caller read as a condition: what
// an attempt at another address has shown changes nothing. So the writes do not
// recreate a deleted webhook either.
const (
	slowSeen     = "slow_seen"
	slowSince    = "slow_since"
	slowUntil    = "slow_until"
	failures     = "failures"
	failingSince = "failing_since"
	openSince    = "open_since"
	openUntil    = "open_until"
)

// healthAttributes are all of them. Nothing changes it.
var healthAttributes = []string{slowSeen, slowSince, slowUntil, failures, failingSince, openSince, openUntil}

type healthRecord struct {
	SlowSince    int64 `dynamodbav:"slow_since"`
	SlowUntil    int64 `dynamodbav:"slow_until"`
	Failures     int   `dynamodbav:"failures"`
	FailingSince int64 `dynamodbav:"failing_since"`
	OpenSince    int64 `dynamodbav:"open_since"`
	OpenUntil    int64 `dynamodbav:"open_until"`
}

func decodeHealth(stored item) (webhook.Health, error) {
	var r healthRecord
	if err := attributevalue.UnmarshalMap(stored, &r); err != nil {
		return webhook.Health{}, fmt.Errorf("decode the health of a webhook: %w", err)
	}
	return webhook.Health{
		SlowSince: fromMilliseconds(r.SlowSince), SlowUntil: fromMilliseconds(r.SlowUntil),
		Failures: r.Failures, FailingSince: fromMilliseconds(r.FailingSince),
		OpenSince: fromMilliseconds(r.OpenSince), OpenUntil: fromMilliseconds(r.OpenUntil),
	}, nil
}

// fromMilliseconds returns the zero time for a missing attribute.
func fromMilliseconds(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// MarkSlow marks w as slow until [webhook.SlowFor] after now, unless it has a mark
// that lasts longer than [webhook.SlowRenewal], and reports whether it did. So
// only one of several instances writes the mark. If w.Health, as the caller read
// it, is slow, MarkSlow renews the mark and keeps its start.
func (s *Store) MarkSlow(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error) {
	until := expression.Name(slowUntil)
	set := expression.Set(until, expression.Value(now.Add(webhook.SlowFor).UnixMilli()))
	if !w.Health.Slow(now) {
		set = set.Set(expression.Name(slowSince), expression.Value(now.UnixMilli()))
	}
	return s.setHealthIf(ctx, w, set, until.AttributeNotExists().Or(
		until.LessThanEqual(expression.Value(now.Add(webhook.SlowRenewal).UnixMilli()))))
}

// RecordSlow records a slow attempt at now, and reports whether any instance
// recorded another within [webhook.SlowWindow]. Only the first attempt of a window
// is written. The report means nothing if the webhook is deleted or has another address,
// when MarkSlow changes nothing.
func (s *Store) RecordSlow(ctx context.Context, w webhook.Webhook, now time.Time) (another bool, err error) {
	seen := expression.Name(slowSeen)
	first, err := s.setHealthIf(ctx, w, expression.Set(seen, expression.Value(now.UnixMilli())), seen.AttributeNotExists().Or(
		seen.LessThanEqual(expression.Value(now.Add(-webhook.SlowWindow).UnixMilli()))))
	return !first && err == nil, err
}

// AddFailures adds n consecutive failures, the last of them at now, and returns
// the health after that. It returns the zero health if the webhook is deleted or has
// another address.
func (s *Store) AddFailures(ctx context.Context, w webhook.Webhook, n int, now time.Time) (webhook.Health, error) {
	first := expression.Name(failingSince)
	set := expression.Add(expression.Name(failures), expression.Value(n)).
		Set(first, first.IfNotExists(expression.Value(now.UnixMilli())))
	updated, err := s.setHealth(ctx, w, set, nil)
	if errors.Is(err, errUnmet) {
		return webhook.Health{}, nil
	}
	if err != nil {
		return webhook.Health{}, err
	}
	return decodeHealth(updated)
}

// OpenBreaker opens the breaker at now if it is closed and there were enough
// failures (see [webhook.Health.Tripped]), and reports whether it did.
func (s *Store) OpenBreaker(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error) {
	set := expression.Set(expression.Name(openSince), expression.Value(now.UnixMilli())).
		Set(expression.Name(openUntil), expression.Value(now.Add(webhook.ProbeEvery).UnixMilli()))
	return s.setHealthIf(ctx, w, set, expression.Name(openSince).AttributeNotExists().
		And(expression.Name(failures).GreaterThanEqual(expression.Value(webhook.OpenAfter)),
			expression.Name(failingSince).LessThanEqual(expression.Value(now.Add(-webhook.FailingFor).UnixMilli()))))
}

// ClaimProbe claims the one probe that an open breaker allows at w.Health.OpenUntil, as
// the caller read it. It reports false if another caller claimed it. The next probe is
// due [webhook.ProbeEvery] after now.
func (s *Store) ClaimProbe(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error) {
	next := expression.Value(now.Add(webhook.ProbeEvery).UnixMilli())
	return s.setHealthIf(ctx, w, expression.Set(expression.Name(openUntil), next),
		expression.Name(openUntil).Equal(expression.Value(w.Health.OpenUntil.UnixMilli())))
}

// Recover resets the failures of a webhook after a success and closes its
// breaker.
func (s *Store) Recover(ctx context.Context, w webhook.Webhook) error {
	remove := expression.Remove(expression.Name(failures)).Remove(expression.Name(failingSince)).
		Remove(expression.Name(openSince)).Remove(expression.Name(openUntil))
	if _, err := s.setHealth(ctx, w, remove, nil); !errors.Is(err, errUnmet) {
		return err
	}
	return nil
}

// errUnmet means that the condition of an update does not hold, or that the
// webhook is deleted or has another address.
var errUnmet = errors.New("the condition does not hold")

// setHealthIf makes a conditional update and reports whether the condition held.
func (s *Store) setHealthIf(ctx context.Context, w webhook.Webhook, set expression.UpdateBuilder, condition expression.ConditionBuilder) (bool, error) {
	_, err := s.setHealth(ctx, w, set, &condition)
	if errors.Is(err, errUnmet) {
		return false, nil
	}
	return err == nil, err
}

// setHealth updates the health of w and returns the new attributes. It returns errUnmet
// if the webhook is deleted or has another address, or if extra, which may be nil, does
// not hold.
func (s *Store) setHealth(ctx context.Context, w webhook.Webhook, set expression.UpdateBuilder, extra *expression.ConditionBuilder) (item, error) {
	condition := expression.Name(address).Equal(expression.Value(w.Address))
	if extra != nil {
		condition = condition.And(*extra)
	}
	update, err := s.newUpdate(w.Key(), set, condition)
	if err != nil {
		return nil, err
	}
	attributes, err := s.updateItem(ctx, update, types.ReturnValueUpdatedNew)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return nil, errUnmet
	}
	if err != nil {
		return nil, fmt.Errorf("update the health of webhook %d: %w", w.ID, dynamo.Classify(err))
	}
	return attributes, nil
}
