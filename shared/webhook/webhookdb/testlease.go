package webhookdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// leaseItem is the id of the item that says whether a test of the tenant is under way,
// and which webhooks were tested just now. One write checks both.
const leaseItem = -2

// The attributes of the lease, besides one for each webhook that was tested: see
// testedAt. Times are in unix milliseconds.
const (
	leaseFormat = "format"
	leaseUntil  = "until"
	leaseToken  = "token"
	testedAt    = "tested_at#" // followed by the id of the webhook
)

// TestLease is the right of a tenant to run one test.
type TestLease struct {
	tenant string
	token  string // tells this lease from others
	until  time.Time
	tested map[int64]time.Time // when each webhook that the item names was tested
}

// BeginTest starts a test of a webhook at now, unless another test of the tenant is
// under way. The lease ends with [Store.EndTest], or after [webhook.TestLease] if the
// function dies. BeginTest does not check whether the webhook exists.
//
// It returns TestedTooOften if the webhook's last test was less than
// [webhook.TestInterval] ago, and TestUnderWay during another test. Both have the time
// to wait.
func (s *Store) BeginTest(ctx context.Context, key webhook.Key, now time.Time) (TestLease, error) {
	if key.ID <= tenantItem {
		return TestLease{}, apperr.New(apperr.WebhookNotFound)
	}
	token, tested := rand.Text(), expression.Name(markOf(key.ID))
	update, err := s.newUpdate(leaseKey(key.TenantID),
		expression.Set(expression.Name(leaseFormat), expression.Value(1)).
			Set(expression.Name(leaseUntil), expression.Value(now.Add(webhook.TestLease).UnixMilli())).
			Set(expression.Name(leaseToken), expression.Value(token)).
			Set(tested, expression.Value(now.UnixMilli())),
		// The SDK repeats a write whose response was lost: the token is there already.
		// A time that is too far ahead is of a clock that was wrong.
		expression.Name(leaseToken).Equal(expression.Value(token)).Or(
			outside(expression.Name(leaseUntil), now, now.Add(2*webhook.TestLease)).
				And(outside(tested, now.Add(-webhook.TestInterval), now.Add(webhook.TestInterval)))))
	if err != nil {
		return TestLease{}, err
	}
	update.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	stored, err := s.updateItem(ctx, update, types.ReturnValueAllNew)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return TestLease{}, refuseTest(refused.Item, key.ID, now)
	}
	if err != nil {
		return TestLease{}, fmt.Errorf("begin a test of webhook %d: %w", key.ID, dynamo.Classify(err))
	}
	l, err := decodeLease(stored)
	l.tenant, l.token = key.TenantID, token
	return l, err
}

// EndTest ends a lease, unless another test has taken it after its end. It also removes
// what the item no longer needs, so that the item stays small.
func (s *Store) EndTest(ctx context.Context, l TestLease, now time.Time) error {
	end := expression.Remove(expression.Name(leaseUntil)).Remove(expression.Name(leaseToken))
	for id, at := range l.tested {
		if at.Before(now.Add(-webhook.TestInterval)) {
			end = end.Remove(expression.Name(markOf(id)))
		}
	}
	update, err := s.newUpdate(leaseKey(l.tenant), end, expression.Name(leaseToken).Equal(expression.Value(l.token)))
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, update, types.ReturnValueNone)
	var taken *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &taken) {
		return fmt.Errorf("end a test of tenant %s: %w", l.tenant, dynamo.Classify(err))
	}
	return nil
}

func leaseKey(tenant string) webhook.Key { return webhook.Key{TenantID: tenant, ID: leaseItem} }

// markOf names the attribute with the time of a webhook's last test.
func markOf(id int64) string { return testedAt + strconv.FormatInt(id, 10) }

// outside is the condition that a time in milliseconds is absent, or not in (after,
// until].
func outside(name expression.NameBuilder, after, until time.Time) expression.ConditionBuilder {
	return name.AttributeNotExists().
		Or(name.LessThanEqual(expression.Value(after.UnixMilli())), name.GreaterThan(expression.Value(until.UnixMilli())))
}

// decodeLease returns the times of an item.
func decodeLease(stored item) (TestLease, error) {
	l := TestLease{tested: map[int64]time.Time{}}
	for name, value := range stored {
		text, isMark := strings.CutPrefix(name, testedAt)
		if !isMark && name != leaseUntil {
			continue
		}
		number, isNumber := value.(*types.AttributeValueMemberN)
		if !isNumber {
			return TestLease{}, fmt.Errorf("decode the lease of a test: %s is not a number", name)
		}
		at, err := strconv.ParseInt(number.Value, 10, 64)
		if err != nil {
			return TestLease{}, fmt.Errorf("decode the lease of a test: %w", err)
		}
		if !isMark {
			l.until = time.UnixMilli(at)
			continue
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return TestLease{}, fmt.Errorf("decode the lease of a test: %w", err)
		}
		l.tested[id] = time.UnixMilli(at)
	}
	return l, nil
}

// refuseTest says why a webhook cannot be tested at now, and how long to wait.
func refuseTest(stored item, id int64, now time.Time) error {
	l, err := decodeLease(stored)
	if err != nil {
		return err
	}
	if next := l.tested[id].Add(webhook.TestInterval); next.After(now) && !next.After(now.Add(2*webhook.TestInterval)) {
		return waitFor(apperr.TestedTooOften, min(next.Sub(now), webhook.TestInterval))
	}
	// The attempt of the other test ends before its lease does.
	left := l.until.Sub(now)
	if attempt := left - (webhook.TestLease - webhook.TestTimeout); attempt > 0 {
		left = min(attempt, webhook.TestTimeout)
	}
	return waitFor(apperr.TestUnderWay, left)
}

// waitFor returns an error whose sentence and RetryAfter have wait in whole seconds, at
// least one.
func waitFor(r apperr.Reason, wait time.Duration) error {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	refused := apperr.New(r, seconds)
	refused.RetryAfter = time.Duration(seconds) * time.Second
	return refused
}
