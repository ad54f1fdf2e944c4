package eventdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// maxPuts is how many single events are stored at the same time.
const maxPuts = 10

// Matched is an event and the ids of the webhooks that it matched.
type Matched struct {
	Event    event.Event
	Webhooks []int64
}

// CreateMany calls Create for each event of list, whose keys must differ, and
// returns the result of each. New events, which are almost all, share one request:
// BatchWriteItem has no conditions, but a PartiQL INSERT fails if its key exists.
// It costs the same write units and saves one request's CPU per event. If DynamoDB
// refuses the request itself, for instance without the permission for PartiQL,
// each event is stored on its own, and refused says why.
func (s *Store) CreateMany(ctx context.Context, list []Matched, now time.Time) (results []error, refused error) {
	for chunk := range slices.Chunk(list, dynamo.MaxStatements) {
		stored, err := s.insert(ctx, chunk, now)
		results, refused = append(results, stored...), errors.Join(refused, err)
	}
	return results, refused
}

// insert stores up to [dynamo.MaxStatements] events. An event whose statement fails is
// stored on its own: the row of its id may exist, live or expired, or DynamoDB may
// have throttled only this statement, which the SDK does not retry.
func (s *Store) insert(ctx context.Context, list []Matched, now time.Time) (results []error, refused error) {
	results = make([]error, len(list))
	statements := make([]types.BatchStatementRequest, len(list))
	for i, m := range list {
		statements[i] = insertion(s.table, s.row(m.Event, m.Webhooks, now))
	}
	output, err := s.client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements})
	if err != nil {
		err = fmt.Errorf("store %d events: %w", len(list), dynamo.Classify(err))
		if !dynamo.Refused(err) {
			// DynamoDB is down or overloaded: one request per event would add to the load.
			return slices.Repeat([]error{err}, len(list)), nil
		}
		output, refused = &dynamodb.BatchExecuteStatementOutput{}, err
	}
	var group errgroup.Group
	group.SetLimit(maxPuts)
	for i, m := range list {
		if i < len(output.Responses) {
			failure := output.Responses[i].Error
			if failure == nil {
				continue
			}
			if !expected(failure.Code) {
				refused = errors.Join(refused, fmt.Errorf("store event %s: %s: %s", m.Event.ID, failure.Code, aws.ToString(failure.Message)))
			}
		}
		group.Go(func() error {
			results[i] = s.Create(ctx, m.Event, m.Webhooks, now)
			return nil
		})
	}
	_ = group.Wait() // the errors are in results
	return results, refused
}

// expected reports whether a correct statement may fail with code.
func expected(code types.BatchStatementErrorCodeEnum) bool {
	switch code {
	case types.BatchStatementErrorCodeEnumDuplicateItem, types.BatchStatementErrorCodeEnumTransactionConflict,
		types.BatchStatementErrorCodeEnumThrottlingError, types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded,
		types.BatchStatementErrorCodeEnumRequestLimitExceeded, types.BatchStatementErrorCodeEnumInternalServerError:
		return true
	}
	return false
}

// insertion returns the statement that inserts r into table, with the values as
// parameters.
func insertion(table string, r row) types.BatchStatementRequest {
	const attributes, characters = 7, 128 // at most
	var text strings.Builder
	text.Grow(len(table) + characters)
	text.WriteString(`INSERT INTO "`)
	text.WriteString(table)
	text.WriteString(`" VALUE `)
	values := make([]types.AttributeValue, 0, attributes)
	separator := byte('{')
	for name, value := range r.attributes() {
		text.WriteByte(separator)
		text.WriteByte('\'')
		text.WriteString(name)
		text.WriteString(`':?`)
		values, separator = append(values, value), ','
	}
	text.WriteByte('}')
	statement := text.String()
	return types.BatchStatementRequest{Statement: &statement, Parameters: values}
}
