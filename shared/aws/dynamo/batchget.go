package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

const (
	// maxKeys is the limit of BatchGetItem:
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
	maxKeys = 100
	// maxTries is the number of requests for one batch. With [Backoff] they take
	// about a second. The callers then return their messages to a queue instead of
	// waiting for a throttled table.
	maxTries = 8
)

var errUnread = errors.New("DynamoDB left keys of a batch unprocessed")

// BatchGetter is the part of the SDK's client that [BatchGet] calls.
type BatchGetter interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// Keys names the rows that [BatchGet] reads from one table.
type Keys struct {
	Table string
	Keys  []Item // distinct: DynamoDB refuses a batch with the same key twice
	// Attributes names the attributes to read; empty means all.
	Attributes []string
}

// BatchGet reads the rows that wanted names, with strongly consistent reads and
// in as few requests as possible. Each element of wanted names another table.
// BatchGet returns the rows that exist, by table and in no order.
//
// A BatchGetItem that leaves keys unprocessed (throttled, or more than 16 MB) is
// a success to the SDK, which does not retry it. BatchGet asks for those keys
// again, up to eight times in all; then the error has the reason
// TemporarilyUnavailable.
func BatchGet(ctx context.Context, client BatchGetter, pause Pause, wanted ...Keys) (map[string][]Item, error) {
	rows := make(map[string][]Item, len(wanted))
	batches, err := pack(wanted)
	if err != nil {
		return nil, err
	}
	for _, batch := range batches {
		if err := getBatch(ctx, client, pause, batch, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// pack splits wanted into requests of at most 100 keys.
func pack(wanted []Keys) ([]map[string]types.KeysAndAttributes, error) {
	var batches []map[string]types.KeysAndAttributes
	room := 0
	for _, w := range wanted {
		part := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		if err := project(&part, w.Attributes); err != nil {
			return nil, err
		}
		for left := w.Keys; len(left) > 0; {
			if room == 0 {
				batches, room = append(batches, make(map[string]types.KeysAndAttributes)), maxKeys
			}
			n := min(room, len(left))
			part.Keys, left = left[:n], left[n:]
			batches[len(batches)-1][w.Table] = part
			room -= n
		}
	}
	return batches, nil
}

func project(part *types.KeysAndAttributes, attributes []string) error {
	if len(attributes) == 0 {
		return nil
	}
	list := expression.NamesList(expression.Name(attributes[0]))
	for _, name := range attributes[1:] {
		list = expression.AddNames(list, expression.Name(name))
	}
	built, err := expression.NewBuilder().WithProjection(list).Build()
	if err != nil {
		return fmt.Errorf("build the projection: %w", err)
	}
	part.ProjectionExpression, part.ExpressionAttributeNames = built.Projection(), built.Names()
	return nil
}

// getBatch makes one request, repeats it for unprocessed keys, and adds the rows
// to rows.
func getBatch(ctx context.Context, client BatchGetter, pause Pause, request map[string]types.KeysAndAttributes, rows map[string][]Item) error {
	for n := 0; ; n++ {
		out, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return fmt.Errorf("read a batch: %w", Classify(err))
		}
		for table, items := range out.Responses {
			rows[table] = append(rows[table], items...)
		}
		if request = out.UnprocessedKeys; len(request) == 0 {
			return nil
		}
		if n+1 == maxTries {
			return apperr.Wrap(fmt.Errorf("gave up after %d tries: %w", maxTries, errUnread), apperr.TemporarilyUnavailable)
		}
		if err := pause(ctx, n); err != nil {
			return apperr.Wrap(errors.Join(errUnread, err), apperr.TemporarilyUnavailable)
		}
	}
}
