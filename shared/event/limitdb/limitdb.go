// Package limitdb limits in DynamoDB how fast tenants publish over HTTP. The events
// table has one item for each tenant that published lately.
package limitdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// The attributes of a tenant's item, whose key is the prefix and the tenant. Keys of
// events begin with a tenant, which has no '#'. The function's role may write only
// items with this prefix.
const (
	prefix    = "#publish#"
	keyName   = "event"
	format    = "format"
	fullName  = "full"  // when the bucket is full again, in unix microseconds
	ttlName   = "ttl"   // in unix seconds
	tokenName = "token" // of the last request that took tokens
)

const (
	// skew is how far the clocks of two instances may differ. A stored time beyond it
	// is of a wrong clock, or of a larger limit before a deployment.
	skew = time.Minute
	// kept is how long an item is kept after its bucket is full.
	kept = time.Hour
	// maxTries limits the writes of one request. The second one knows the stored time,
	// so a third is needed only if another request has changed it since.
	maxTries = 4
	// maxKnown limits the tenants that an instance remembers.
	maxKnown = 1000
)

// DynamoDB is the part of [dynamodb.Client] that a [Store] calls.
type DynamoDB interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store holds the buckets of all tenants. It is safe for concurrent use.
type Store struct {
	client DynamoDB
	table  string
	limit  event.Limit

	mu    sync.Mutex
	known map[string]time.Time // when each tenant's bucket is full, as it was last seen
}

// New returns the store of table, which is the events table.
func New(client DynamoDB, table string, limit event.Limit) *Store {
	return &Store{client: client, table: table, limit: limit, known: map[string]time.Time{}}
}

// Take takes n tokens of a tenant at now. It usually makes one write, two when other
// instances have published for the tenant, and none for a request that it must refuse
// by what it saw before.
//
// It returns TooManyEvents if n is larger than the burst, PublishedTooFast with the time
// to wait if too few tokens are left, and another error if DynamoDB fails.
func (s *Store) Take(ctx context.Context, tenant string, n int, now time.Time) error {
	if s.limit.Rate == 0 || n == 0 {
		return nil
	}
	if n > s.limit.Burst {
		return apperr.New(apperr.TooManyEvents, s.limit.Burst)
	}
	// DynamoDB stores no nanoseconds of ours, and a time is compared with itself later.
	now = now.Truncate(time.Microsecond)
	full, r := s.remembered(tenant), request{tenant, n, now, rand.Text()}
	for range maxTries {
		// The bucket never gets fuller, so what an instance saw may refuse a request.
		isFull := !full.After(now) || full.After(now.Add(s.limit.Fill(s.limit.Burst)+skew))
		if wait := s.limit.Wait(full, n, now); !isFull && wait > 0 {
			return tooFast(wait)
		}
		stored, taken, err := s.write(ctx, r, isFull)
		if err != nil {
			return fmt.Errorf("take %d tokens of tenant %s: %w", n, tenant, dynamo.Classify(err))
		}
		s.remember(tenant, stored)
		if taken {
			return nil
		}
		full = stored
	}
	return tooFast(time.Second) // other requests of the tenant took the tokens
}

// request asks for n tokens of a tenant at now.
type request struct {
	tenant string
	n      int
	now    time.Time
	token  string // tells this request from others
}

// write takes the tokens of r from a bucket that is full, or is not, and reports whether
// that was so. It returns when the bucket is full again.
func (s *Store) write(ctx context.Context, r request, isFull bool) (full time.Time, taken bool, err error) {
	e, err := s.expression(r, isFull)
	if err != nil {
		return time.Time{}, false, err
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 dynamo.Item{keyName: &types.AttributeValueMemberS{Value: prefix + r.tenant}},
		UpdateExpression:                    e.Update(),
		ConditionExpression:                 e.Condition(),
		ExpressionAttributeNames:            e.Names(),
		ExpressionAttributeValues:           e.Values(),
		ReturnValues:                        types.ReturnValueUpdatedNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		full, err = decode(refused.Item)
		// The SDK repeats a write whose response was lost. The first one took the tokens.
		last, _ := refused.Item[tokenName].(*types.AttributeValueMemberS)
		return full, last != nil && last.Value == r.token, err
	}
	if err != nil {
		return time.Time{}, false, err
	}
	full, err = decode(out.Attributes)
	return full, true, err
}

// expression returns the conditional update that takes the tokens of r.
func (s *Store) expression(r request, isFull bool) (expression.Expression, error) {
	n, now := r.n, r.now
	name, burst := expression.Name(fullName), s.limit.Fill(s.limit.Burst)
	micro := func(t time.Time) expression.ValueBuilder { return expression.Value(t.UnixMicro()) }
	set := expression.Set(name, name.Plus(expression.Value(s.limit.Fill(n).Microseconds())))
	condition := name.GreaterThan(micro(now)).And(name.LessThanEqual(micro(now.Add(burst - s.limit.Fill(n)))))
	if isFull {
		set = expression.Set(name, micro(now.Add(s.limit.Fill(n))))
		condition = name.AttributeNotExists().Or(name.LessThanEqual(micro(now)), name.GreaterThan(micro(now.Add(burst+skew))))
	}
	set = set.Set(expression.Name(format), expression.Value(1)).
		Set(expression.Name(tokenName), expression.Value(r.token)).
		Set(expression.Name(ttlName), expression.Value(now.Add(burst+kept).Unix()))
	condition = condition.And(expression.Name(tokenName).Equal(expression.Value(r.token)).Not())
	return expression.NewBuilder().WithUpdate(set).WithCondition(condition).Build()
}

// decode returns when the bucket of an item is full, the zero time without an item.
func decode(item dynamo.Item) (time.Time, error) {
	if item[fullName] == nil {
		return time.Time{}, nil
	}
	number, isNumber := item[fullName].(*types.AttributeValueMemberN)
	if !isNumber {
		return time.Time{}, errors.New("the stored time is not a number")
	}
	micro, err := strconv.ParseInt(number.Value, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("decode the stored time: %w", err)
	}
	return time.UnixMicro(micro), nil
}

func (s *Store) remembered(tenant string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[tenant]
}

func (s *Store) remember(tenant string, full time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[tenant] = full
}

// tooFast returns PublishedTooFast with wait in whole seconds.
func tooFast(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	refused := apperr.New(apperr.PublishedTooFast, seconds)
	refused.RetryAfter = time.Duration(seconds) * time.Second
	return refused
}
