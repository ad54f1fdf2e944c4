package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// nextSlot is the attribute of a webhook with the next time at which a delivery may
// begin, in unix microseconds. It belongs to the rate limit: another limit removes it.
const nextSlot = "next_slot"

// ReserveSlots reserves the next n slots of w, which has a rate limit, at now. They
// begin now, or when the slots end that are reserved already. w.NextSlot, as the caller
// read it, decides which of the two is tried first, so a reservation is one write unless
// another one came in between.
//
// The slots are those of the stored rate limit, which may be another than the caller
// read. ReserveSlots returns WebhookNotFound, and TemporarilyUnavailable if DynamoDB is
// overloaded or other writes come first each time. If a response is lost, the SDK
// reserves again, and n slots stay empty.
func (s *Store) ReserveSlots(ctx context.Context, w webhook.Webhook, n int, now time.Time) (webhook.Slots, error) {
	slots := webhook.Slots{First: now.UTC().Truncate(time.Microsecond)}
	err := s.retryConflicts(ctx, apperr.TemporarilyUnavailable, func() error {
		if w.RateLimit == 0 {
			return nil
		}
		reserved, err := s.reserve(ctx, w, n, now)
		var refused *types.ConditionalCheckFailedException
		switch {
		case err == nil:
			slots = reserved
		case errors.As(err, &refused) && len(refused.Item) == 0:
			return apperr.New(apperr.WebhookNotFound)
		case errors.As(err, &refused):
			stored, broken := decodeRecord(refused.Item)
			if broken != nil {
				return broken
			}
			w = stored.webhook()
		}
		return err
	})
	if err != nil {
		return webhook.Slots{}, err
	}
	return slots, nil
}

// reserve reserves slots if w is still as it was read: the same limit, and no slot, or
// some, reserved beyond now.
func (s *Store) reserve(ctx context.Context, w webhook.Webhook, n int, now time.Time) (webhook.Slots, error) {
	next, at := expression.Name(nextSlot), expression.Value(now.UnixMicro())
	span := webhook.SlotTime(n, w.RateLimit)
	set := expression.Set(next, expression.Value(now.Add(span).UnixMicro()))
	free := next.AttributeNotExists().Or(next.LessThanEqual(at))
	if w.NextSlot.After(now) {
		set, free = expression.Set(next, next.Plus(expression.Value(span.Microseconds()))), next.GreaterThan(at)
	}
	update, err := s.newUpdate(w.Key(), set, expression.Name(rateLimit).Equal(expression.Value(w.RateLimit)).And(free))
	if err != nil {
		return webhook.Slots{}, err
	}
	update.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	updated, err := s.updateItem(ctx, update, types.ReturnValueUpdatedNew)
	if err != nil {
		return webhook.Slots{}, fmt.Errorf("reserve slots of webhook %d: %w", w.ID, dynamo.Classify(err))
	}
	end, err := decodeNextSlot(updated)
	if err != nil {
		return webhook.Slots{}, err
	}
	return webhook.Slots{First: end.Add(-span), Step: span / time.Duration(n), Rate: w.RateLimit}, nil
}

// decodeNextSlot returns the next slot of an item, or the zero time.
func decodeNextSlot(stored item) (time.Time, error) {
	var r struct {
		Next int64 `dynamodbav:"next_slot"`
	}
	if err := attributevalue.UnmarshalMap(stored, &r); err != nil {
		return time.Time{}, fmt.Errorf("decode the next slot of a webhook: %w", err)
	}
	if r.Next == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(r.Next).UTC(), nil
}
