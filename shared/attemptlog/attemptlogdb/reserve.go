package attemptlogdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// counters are the numbers in item 0 of a webhook.
type counters struct {
	LastID      int64 `dynamodbav:"last_id"`
	LastProblem int64 `dynamodbav:"last_problem"`
}

// reservation is a request for the numbers of all new logs of a webhook, and its result.
type reservation struct {
	logs     attemptlog.Chunk // of any size
	problems int
	last     counters // after it
	again    error    // why its statement gave no ids, so that an UpdateItem followed
	err      error
}

// reserve replaces the chunks that have no ids by chunks with ids. It returns the chunks
// without ids whose reservation failed. err also says why ids had to be
// reserved again.
func (s *Store) reserve(ctx context.Context, chunks []attemptlog.Chunk) (reserved, failed []attemptlog.Chunk, err error) {
	var list []*reservation
	place := make(map[webhook.Key]*reservation)
	for _, c := range chunks {
		if c.First != 0 {
			reserved = append(reserved, c)
			continue
		}
		r := place[c.Webhook]
		if r == nil {
			r = &reservation{logs: attemptlog.Chunk{Webhook: c.Webhook}}
			place[c.Webhook], list = r, append(list, r)
		}
		r.logs.Logs = append(r.logs.Logs, c.Logs...)
		r.problems += len(c.Problems())
	}
	s.makeReservations(ctx, list)
	var errs []error
	for _, r := range list {
		errs = append(errs, r.again, r.err)
		if r.err != nil {
			failed = append(failed, attemptlog.Chunks(r.logs.Logs)...)
			continue
		}
		first, firstProblem := r.last.LastID-int64(len(r.logs.Logs))+1, r.last.LastProblem-int64(r.problems)+1
		reserved = append(reserved, r.logs.Numbered(first, firstProblem)...)
	}
	return reserved, failed, errors.Join(errs...)
}

// makeReservations sets the results of list. A single reservation is an UpdateItem, which
// also makes an item 0. Several share requests, because each request costs processor
// time.
func (s *Store) makeReservations(ctx context.Context, list []*reservation) {
	single := list
	if len(list) > 1 {
		single = s.shareRequests(ctx, list)
	}
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	for _, r := range single {
		calls.Go(func() error {
			r.err = s.addNumbers(ctx, r)
			return nil
		})
	}
	_ = calls.Wait() // the errors are in list
}

// shareRequests makes reservations in as few requests as possible. It returns those that
// need an UpdateItem, most often because the webhook has no item 0 yet.
func (s *Store) shareRequests(ctx context.Context, list []*reservation) (missed []*reservation) {
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	batches := slices.Collect(slices.Chunk(list, dynamo.MaxStatements))
	missing := make([][]*reservation, len(batches))
	for i, batch := range batches {
		calls.Go(func() error {
			missing[i] = s.shareRequest(ctx, batch)
			return nil
		})
	}
	_ = calls.Wait() // the errors are in list
	return slices.Concat(missing...)
}

// shareRequest makes at most [dynamo.MaxStatements] reservations. See shareRequests.
func (s *Store) shareRequest(ctx context.Context, batch []*reservation) (missed []*reservation) {
	update := s.update()
	statements := make([]types.BatchStatementRequest, 0, len(batch))
	for _, r := range batch {
		key := counterKey(r.logs.Webhook)
		statements = append(statements, types.BatchStatementRequest{
			Statement:  &update,
			Parameters: []types.AttributeValue{number(len(r.logs.Logs)), number(r.problems), key[bucketName], key[sortName]},
		})
	}
	out, err := s.client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements}, withoutRetries)
	for i, r := range batch {
		switch {
		case dynamo.Refused(err): // for example without the permission for PartiQL
			r.again = r.failed(err)
			missed = append(missed, r)
		case err != nil:
			r.err = r.failed(dynamo.Classify(err))
		case i < len(out.Responses):
			if !r.settle(out.Responses[i]) {
				missed = append(missed, r)
			}
		default:
			r.err = r.failed(errors.New("DynamoDB returned no response to the statement"))
		}
	}
	return missed
}

// update returns the statement that updates an item 0. Unlike an ADD, it fails if the
// item, or one of its numbers, does not exist.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
// AWS does not document that a batch returns the numbers. Others have measured it:
// https://github.com/paritysuite/dynamodb-conformance/pull/103
func (s *Store) update() string {
	return `UPDATE "` + s.table + `" SET ` + lastIDName + `=` + lastIDName + `+? SET ` + lastProblemName + `=` + lastProblemName + `+?` +
		` WHERE ` + bucketName + `=? AND ` + sortName + `=? RETURNING MODIFIED NEW *`
}

// settle sets the result of r. It returns false if r needs an UpdateItem: the statement
// changed nothing for another reason than the load, or it returned no ids.
//
// A statement may fail with InternalServerError after its update, and a repeated update
// would leave a hole. A statement that succeeds without returning its ids leaves a hole
// in any case. The UpdateItem gives the logs other ids at once. If the logs went round the
// queue, they would get ids a minute later, by a statement that may leave another hole.
func (r *reservation) settle(response types.BatchStatementResponse) bool {
	if response.Error == nil {
		r.again = r.take(response.Item)
		return r.again == nil
	}
	switch response.Error.Code {
	case types.BatchStatementErrorCodeEnumInternalServerError, types.BatchStatementErrorCodeEnumThrottlingError,
		types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded, types.BatchStatementErrorCodeEnumRequestLimitExceeded:
		failure := fmt.Errorf("%s: %s", response.Error.Code, aws.ToString(response.Error.Message))
		r.err = r.failed(apperr.Wrap(failure, apperr.TemporarilyUnavailable))
		return true
	}
	return false
}

// addNumbers makes r by an UpdateItem. If there is no item 0, it makes one.
func (s *Store) addNumbers(ctx context.Context, r *reservation) error {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       counterKey(r.logs.Webhook),
		UpdateExpression:          aws.String("ADD " + lastIDName + " :logs, " + lastProblemName + " :problems"),
		ExpressionAttributeValues: dynamo.Item{":logs": number(len(r.logs.Logs)), ":problems": number(r.problems)},
		ReturnValues:              types.ReturnValueUpdatedNew,
	}, withoutRetries)
	if err != nil {
		return r.failed(dynamo.Classify(err))
	}
	return r.take(out.Attributes)
}

// take sets the numbers that DynamoDB returned after the reservation.
func (r *reservation) take(attributes dynamo.Item) (err error) {
	r.last, err = decodeCounters(attributes)
	if err == nil && r.last.LastID < int64(len(r.logs.Logs)) {
		err = errors.New("DynamoDB returned no ids")
	}
	if err != nil {
		return r.failed(err)
	}
	return nil
}

// failed adds to err what was to be reserved.
func (r *reservation) failed(err error) error {
	key := r.logs.Webhook
	return fmt.Errorf("reserve %d log ids of webhook %d of tenant %s: %w", len(r.logs.Logs), key.ID, key.TenantID, err)
}

// withoutRetries turns the SDK's retries off. An addition that is retried after a lost
// response adds twice and leaves a hole, which every page and total would show.
func withoutRetries(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// decodeCounters decodes item 0.
func decodeCounters(attributes dynamo.Item) (counters, error) {
	var last counters
	if err := attributevalue.UnmarshalMap(attributes, &last); err != nil {
		return counters{}, fmt.Errorf("decode item 0: %w", err)
	}
	return last, nil
}
