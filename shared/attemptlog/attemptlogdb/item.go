package attemptlogdb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Attributes of the table that the code names. A write costs one unit per KiB,
// attribute names included, so the names are short.
const (
	bucketName      = "log_bucket"
	sortName        = "log_id"
	lastIDName      = "last_id"
	lastProblemName = "last_problem"
	ttlName         = "ttl"
)

// Kinds of buckets.
const (
	idBucket      = "c"
	problemBucket = "p"
)

// item is what the readers need of a chunk.
type item struct {
	Format int   `dynamodbav:"format"`
	First  int64 `dynamodbav:"log_id"`
	N      int64 `dynamodbav:"n"` // the number of logs
	// From and To are the times of the earliest and of the latest log, in Unix
	// milliseconds.
	From     int64  `dynamodbav:"from"`
	To       int64  `dynamodbav:"to"`
	Logs     []byte `dynamodbav:"logs"`
	Deflated bool   `dynamodbav:"deflated"` // absent if false
}

// bucketKey returns the partition key of a bucket. A tenant cannot contain '#'.
func bucketKey(key webhook.Key, kind string, bucket int64) string {
	return webhookKey(key) + "#" + kind + strconv.FormatInt(bucket, 10)
}

func webhookKey(key webhook.Key) string { return key.TenantID + "#" + strconv.FormatInt(key.ID, 10) }

// eventKey returns the partition key of the rows of an event.
func eventKey(key event.Key) string { return key.TenantID + "#e#" + key.ID }

// counterKey returns the key of item 0 of a webhook.
func counterKey(key webhook.Key) dynamo.Item {
	return dynamo.Item{bucketName: text(webhookKey(key)), sortName: number(0)}
}

// maxIDDigits is the number of digits of a log id in the sort key of an event row. A
// number of DynamoDB has up to 38 digits, which leaves 19 for the webhook.
const maxIDDigits = 19

// part is the logs of one item.
type part struct {
	bucket string
	sort   *types.AttributeValueMemberN
	logs   []attemptlog.Log
	gaps   bool // between their ids
}

// parts returns the items of a chunk that has ids: the chunk, its problems and its event
// rows.
func parts(c attemptlog.Chunk) []part {
	list := []part{{bucketKey(c.Webhook, idBucket, attemptlog.Bucket(c.First)), number(c.First), c.Logs, false}}
	first := c.FirstProblem
	for left := c.Problems(); len(left) > 0; {
		bucket := attemptlog.Bucket(first)
		n := min(int64(len(left)), lastOf(bucket)-first+1)
		list = append(list, part{bucketKey(c.Webhook, problemBucket, bucket), number(first), left[:n], true})
		left, first = left[n:], first+n
	}
	for i, l := range c.Logs {
		if l.ByEvent() {
			sort := &types.AttributeValueMemberN{Value: fmt.Sprintf("%d%0*d", l.WebhookID, maxIDDigits, l.ID)}
			list = append(list, part{eventKey(event.Key{TenantID: l.TenantID, ID: l.EventID}), sort, c.Logs[i : i+1], true})
		}
	}
	return list
}

// items returns the items of a chunk that has ids.
func (s *Store) items(c attemptlog.Chunk) ([]dynamo.Item, error) {
	var items []dynamo.Item
	for _, p := range parts(c) {
		i, err := s.item(p)
		if err != nil {
			return nil, fmt.Errorf("encode chunk %d of webhook %d of tenant %s: %w", c.First, c.Webhook.ID, c.Webhook.TenantID, err)
		}
		items = append(items, i)
	}
	return items, nil
}

func (s *Store) item(p part) (dynamo.Item, error) {
	from, to := attemptlog.Span(p.logs)
	logs, err := attemptlog.EncodeLogs(p.logs, from, p.gaps)
	if err != nil {
		return nil, err
	}
	packed, deflated := s.packer.Pack(logs, overhead+len(p.bucket))
	i := dynamo.Item{
		bucketName: text(p.bucket),
		sortName:   p.sort,
		"format":   number(attemptlog.Format),
		"n":        number(len(p.logs)),
		"from":     number(from.UnixMilli()),
		"to":       number(to.UnixMilli()),
		ttlName:    number(to.Add(s.retention).Unix()),
		"logs":     &types.AttributeValueMemberB{Value: packed},
	}
	if deflated {
		i["deflated"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	return i, nil
}

// overhead is an upper bound for the size of an item without its bucket and its logs, in
// bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
const overhead = len(bucketName+sortName+"format"+"n"+"from"+"to"+ttlName+"logs"+"deflated") + 20 + 2 + 3 + 8 + 8 + 6 + 1

// decode returns the logs of a chunk.
func (i item) decode(key webhook.Key) ([]attemptlog.Log, error) {
	unpacked, err := dynamo.Unpack(i.Logs, i.Deflated)
	if err == nil && i.Format != attemptlog.Format {
		err = fmt.Errorf("unknown format %d", i.Format)
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk %d of webhook %d of tenant %s: %w", i.First, key.ID, key.TenantID, err)
	}
	logs, err := attemptlog.DecodeLogs(unpacked, key, i.First, time.UnixMilli(i.From))
	if err != nil {
		return nil, fmt.Errorf("decode chunk %d of webhook %d of tenant %s: %w", i.First, key.ID, key.TenantID, err)
	}
	return logs, nil
}

// parse reads the attributes of a chunk.
func parse(key webhook.Key, attributes dynamo.Item) (item, error) {
	var i item
	if err := attributevalue.UnmarshalMap(attributes, &i); err != nil {
		return item{}, fmt.Errorf("read a chunk of webhook %d of tenant %s: %w", key.ID, key.TenantID, err)
	}
	return i, nil
}

func text(value string) *types.AttributeValueMemberS {
	return &types.AttributeValueMemberS{Value: value}
}

func number[N int | int64](value N) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(value), 10)}
}
