package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/webhook"
)

// The attributes of a webhook's health: times in unix milliseconds. They are no
// part of the webhook's record and not of its revision, so an update neither
// changes them nor fails because of them.
const (
	slowSeen     = "slow_seen"
	slowSince    = "slow_since"
	slowUntil    = "slow_until"
	failures     = "failures"
	failingSince = "failing_since"
	openSince    = "open_since"
	openUntil    = "open_until"
)

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

// fromMilliseconds returns the zero time for an attribute that is not there.
func fromMilliseconds(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// MarkSlow marks w, as it was read, as slow from now on for [webhook.SlowFor],
// and reports whether it did: one of several callers at once does, and none
// while a mark lasts longer than [webhook.SlowRenewal].
func (s *Store) MarkSlow(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error) {
	until := expression.Name(slowUntil)
	set := expression.Set(until, expression.Value(now.Add(webhook.SlowFor).UnixMilli()))
	if !w.Health.Slow(now) {
		set = set.Set(expression.Name(slowSince), expression.Value(now.UnixMilli()))
	}
	return s.change(ctx, w.Key(), set, until.AttributeNotExists().Or(
		until.LessThanEqual(expression.Value(now.Add(webhook.SlowRenewal).UnixMilli()))))
}

// RecordSlow notes that an attempt is slow at now, and reports whether another one
// was within [webhook.SlowWindow], whichever instance made it. Only the first
// of several is written.
func (s *Store) RecordSlow(ctx context.Context, key webhook.Key, now time.Time) (another bool, err error) {
	seen := expression.Name(slowSeen)
	first, err := s.change(ctx, key, expression.Set(seen, expression.Value(now.UnixMilli())), seen.AttributeNotExists().Or(
		seen.LessThanEqual(expression.Value(now.Add(-webhook.SlowWindow).UnixMilli()))))
	return !first && err == nil, err
}

// AddFailures adds n failures in a row, the last of them at now, and returns
// the health that follows; the zero one when the webhook is deleted.
func (s *Store) AddFailures(ctx context.Context, key webhook.Key, n int, now time.Time) (webhook.Health, error) {
	first := expression.Name(failingSince)
	set := expression.Add(expression.Name(failures), expression.Value(n)).
		Set(first, first.IfNotExists(expression.Value(now.UnixMilli())))
	updated, err := s.write(ctx, key, set, nil)
	if errors.Is(err, errUnmet) {
		return webhook.Health{}, nil
	}
	if err != nil {
		return webhook.Health{}, err
	}
	return decodeHealth(updated)
}

// Open opens the breaker at now, if there were enough failures (see
// [webhook.Health.Tripped]) and it is closed, and reports whether it did.
func (s *Store) Open(ctx context.Context, key webhook.Key, now time.Time) (bool, error) {
	set := expression.Set(expression.Name(openSince), expression.Value(now.UnixMilli())).
		Set(expression.Name(openUntil), expression.Value(now.Add(webhook.ProbeEvery).UnixMilli()))
	return s.change(ctx, key, set, expression.Name(openSince).AttributeNotExists().
		And(expression.Name(failures).GreaterThanEqual(expression.Value(webhook.OpenAfter)),
			expression.Name(failingSince).LessThanEqual(expression.Value(now.Add(-webhook.FailingFor).UnixMilli()))))
}

// ClaimProbe claims the one probe that an open breaker allows at the time of
// read, its OpenUntil, and reports whether nobody else has: the next one is
// allowed [webhook.ProbeEvery] after now.
func (s *Store) ClaimProbe(ctx context.Context, key webhook.Key, read, now time.Time) (bool, error) {
	until := expression.Name(openUntil)
	return s.change(ctx, key, expression.Set(until, expression.Value(now.Add(webhook.ProbeEvery).UnixMilli())),
		until.Equal(expression.Value(read.UnixMilli())))
}

// Recover forgets the failures of a webhook, of which one delivery succeeded,
// and closes its breaker.
func (s *Store) Recover(ctx context.Context, key webhook.Key) error {
	remove := expression.Remove(expression.Name(failures)).Remove(expression.Name(failingSince)).
		Remove(expression.Name(openSince)).Remove(expression.Name(openUntil))
	if _, err := s.write(ctx, key, remove, nil); !errors.Is(err, errUnmet) {
		return err
	}
	return nil
}

// errUnmet says that a condition does not hold, or that the webhook is deleted.
var errUnmet = errors.New("the condition does not hold")

// change makes a conditional update and reports whether the condition held.
func (s *Store) change(ctx context.Context, key webhook.Key, set expression.UpdateBuilder, condition expression.ConditionBuilder) (bool, error) {
	_, err := s.write(ctx, key, set, &condition)
	if errors.Is(err, errUnmet) {
		return false, nil
	}
	return err == nil, err
}

// write updates the health of an existing webhook and returns what it set. It
// returns errUnmet when the webhook is deleted or extra, if given, is not so.
func (s *Store) write(ctx context.Context, key webhook.Key, set expression.UpdateBuilder, extra *expression.ConditionBuilder) (item, error) {
	condition := expression.Name(tenantID).AttributeExists()
	if extra != nil {
		condition = condition.And(*extra)
	}
	update, err := s.update(key, set, condition)
	if err != nil {
		return nil, err
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 update.TableName,
		Key:                       update.Key,
		UpdateExpression:          update.UpdateExpression,
		ConditionExpression:       update.ConditionExpression,
		ExpressionAttributeNames:  update.ExpressionAttributeNames,
		ExpressionAttributeValues: update.ExpressionAttributeValues,
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return nil, errUnmet
	}
	if err != nil {
		return nil, failed(err, fmt.Sprintf("note the health of webhook %d", key.ID))
	}
	return out.Attributes, nil
}
