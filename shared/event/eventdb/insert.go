package eventdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// maxStatements is the limit of BatchExecuteStatement:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
const maxStatements = 25

// maxPuts is how many events are stored alone at once.
const maxPuts = 10

// Matched is an event and the webhooks that it matched.
type Matched struct {
	Event    event.Event
	Webhooks []int64
}

// CreateMany does what Create does for each of list, whose keys must differ, and
// returns what became of each. New events, which are almost all, share one
// request: BatchWriteItem has no conditions, but an INSERT of PartiQL is refused
// where its key exists. It costs the same write units, and a request less of
// the processor for each event. Where DynamoDB does not take the request itself
// (no permission for PartiQL, say), each is stored alone, and refused says why.
func (s *Store) CreateMany(ctx context.Context, list []Matched, now time.Time) (results []error, refused error) {
	for chunk := range slices.Chunk(list, maxStatements) {
		stored, err := s.insert(ctx, chunk, now)
		results, refused = append(results, stored...), errors.Join(refused, err)
	}
	return results, refused
}

// insert stores up to maxStatements events. What alone is not inserted is
// stored on its own, whatever the reason: the id may be taken, or expired, or
// DynamoDB throttles single statements inside a success, of which the SDK's own
// retries know nothing.
func (s *Store) insert(ctx context.Context, list []Matched, now time.Time) (results []error, refused error) {
	results = make([]error, len(list))
	statements := make([]types.BatchStatementRequest, len(list))
	for i, m := range list {
		statements[i] = insertion(s.table, s.row(m.Event, m.Webhooks, now).item())
	}
	output, err := s.client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements})
	if err != nil {
		err = fmt.Errorf("store %d events: %w", len(list), dynamo.Classify(err))
		var answered smithy.APIError
		if !errors.As(err, &answered) || apperr.Is(err, apperr.TemporarilyUnavailable) {
			// DynamoDB is away or busy: a request for each event would only add to it.
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
	_ = group.Wait() // the results are in the list: the group itself never fails
	return results, refused
}

// expected reports whether a good statement may fail so.
func expected(code types.BatchStatementErrorCodeEnum) bool {
	switch code {
	case types.BatchStatementErrorCodeEnumDuplicateItem, types.BatchStatementErrorCodeEnumTransactionConflict,
		types.BatchStatementErrorCodeEnumThrottlingError, types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded,
		types.BatchStatementErrorCodeEnumRequestLimitExceeded, types.BatchStatementErrorCodeEnumInternalServerError:
		return true
	}
	return false
}

// insertion is the statement that adds item to table, with its values as
// parameters.
func insertion(table string, item dynamo.Item) types.BatchStatementRequest {
	var text strings.Builder
	text.WriteString(`INSERT INTO "` + table + `" VALUE {`)
	values := make([]types.AttributeValue, 0, len(item))
	for i, name := range slices.Sorted(maps.Keys(item)) {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString("'" + name + "':?")
		values = append(values, item[name])
	}
	text.WriteByte('}')
	statement := text.String()
	return types.BatchStatementRequest{Statement: &statement, Parameters: values}
}
