package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// ErrUnread says that DynamoDB left the key of a batch unprocessed in every try: the
// partition of the key takes no more reads, while other keys were read.
var ErrUnread = errors.New("DynamoDB left keys of a batch unprocessed")

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

// Read is the result of [BatchGet].
type Read struct {
	// Rows are the rows that exist, by table and in no order.
	Rows   map[string][]Item
	failed map[rowName]error
}

// rowName names a row across tables.
type rowName struct{ table, key string }

// Failed returns why the row with key in table was not read, or nil if it was: then
// a row that Rows does not have does not exist.
func (r Read) Failed(table string, key Item) error {
	if len(r.failed) == 0 { // as always, and without the text of the key
		return nil
	}
	return r.failed[rowName{table, keyText(key)}]
}

// Err returns the error of one of the keys that were not read, or nil if every key
// was read.
func (r Read) Err() error {
	for _, err := range r.failed {
		return err
	}
	return nil
}

// fail records err for the keys of request.
func (r Read) fail(request map[string]types.KeysAndAttributes, err error) {
	for table, part := range request {
		for _, key := range part.Keys {
			r.failed[rowName{table, keyText(key)}] = err
		}
	}
}

// keyText returns the attributes of a key as text. DynamoDB returns an unprocessed
// key as it was sent.
func keyText(key Item) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(key)) {
		switch v := key[name].(type) {
		case *types.AttributeValueMemberS:
			fmt.Fprintf(&text, "%s=%q;", name, v.Value)
		case *types.AttributeValueMemberN:
			fmt.Fprintf(&text, "%s=%s;", name, v.Value)
		}
	}
	return text.String()
}

// BatchGet reads the rows that wanted names, with strongly consistent reads and
// in as few requests as possible. Each element of wanted names another table.
//
// A BatchGetItem that leaves keys unprocessed (throttled, or more than 16 MB) is
// a success to the SDK, which does not retry it. BatchGet asks for those keys
// again, up to eight times in all. Keys that are left then fail with the reason
// TemporarilyUnavailable, and only they: one hot key must not fail the others, which
// may belong to other tenants.
func BatchGet(ctx context.Context, client BatchGetter, pause Pause, wanted ...Keys) Read {
	read := Read{Rows: make(map[string][]Item, len(wanted)), failed: make(map[rowName]error)}
	for _, batch := range pack(wanted) {
		getBatch(ctx, client, pause, batch, read)
	}
	return read
}

// pack splits wanted into requests of at most 100 keys.
func pack(wanted []Keys) []map[string]types.KeysAndAttributes {
	var batches []map[string]types.KeysAndAttributes
	room := 0
	for _, w := range wanted {
		part := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		project(&part, w.Attributes)
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
	return batches
}

// project makes part read only attributes, which may be reserved words.
func project(part *types.KeysAndAttributes, attributes []string) {
	if len(attributes) == 0 {
		return
	}
	part.ExpressionAttributeNames = make(map[string]string, len(attributes))
	names := make([]string, 0, len(attributes))
	for i, attribute := range attributes {
		name := "#" + strconv.Itoa(i)
		part.ExpressionAttributeNames[name] = attribute
		names = append(names, name)
	}
	part.ProjectionExpression = aws.String(strings.Join(names, ", "))
}

// getBatch makes one request, repeats it for unprocessed keys, and adds the rows
// and the failed keys to read.
func getBatch(ctx context.Context, client BatchGetter, pause Pause, request map[string]types.KeysAndAttributes, read Read) {
	for n := 0; ; n++ {
		out, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			read.fail(request, fmt.Errorf("read a batch: %w", Classify(err)))
			return
		}
		for table, items := range out.Responses {
			read.Rows[table] = append(read.Rows[table], items...)
		}
		if request = out.UnprocessedKeys; len(request) == 0 {
			return
		}
		if n+1 == maxTries {
			read.fail(request, apperr.Wrap(fmt.Errorf("gave up after %d tries: %w", maxTries, ErrUnread), apperr.TemporarilyUnavailable))
			return
		}
		if err := pause(ctx, n); err != nil {
			read.fail(request, apperr.Wrap(errors.Join(ErrUnread, err), apperr.TemporarilyUnavailable))
			return
		}
	}
}
