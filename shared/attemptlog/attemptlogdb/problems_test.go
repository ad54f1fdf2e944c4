package attemptlogdb_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// ignoreUnexported is for items of the SDK.
var ignoreUnexported = cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{})

// scan returns all items of the table by their bucket and sort key.
func (b *bundle) scan(t *testing.T) map[string]dynamo.Item {
	t.Helper()
	items := make(map[string]dynamo.Item)
	for pages := dynamodb.NewScanPaginator(b.client, &dynamodb.ScanInput{TableName: &b.table}); pages.HasMorePages(); {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Items {
			items[item["log_bucket"].(*types.AttributeValueMemberS).Value+" "+item["log_id"].(*types.AttributeValueMemberN).Value] = item
		}
	}
	return items
}

// problems returns all logs of the chunks of problems, in the order of their numbers. It
// fails the test unless the numbers are first and following without a gap.
func (b *bundle) problems(t *testing.T, first int64) []attemptlog.Log {
	t.Helper()
	var logs []attemptlog.Log
	for bucket := range int64(3) {
		for _, item := range b.query(t, "acme#"+strconv.FormatInt(b.key.ID, 10)+"#p"+strconv.FormatInt(bucket, 10), "0", "9999") {
			next := first + int64(len(logs))
			if got := item["log_id"].(*types.AttributeValueMemberN).Value; got != strconv.FormatInt(next, 10) || next/1000 != bucket {
				t.Fatalf("a chunk of problems in bucket %d begins with %s, want %d", bucket, got, next)
			}
			logs = append(logs, read(t, b.key, item)...)
		}
	}
	return logs
}

// query returns the items of a bucket with the sort keys low to high.
func (b *bundle) query(t *testing.T, bucket, low, high string) []dynamo.Item {
	t.Helper()
	out, err := b.client.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &b.table, KeyConditionExpression: new("log_bucket = :bucket AND log_id BETWEEN :low AND :high"),
		ExpressionAttributeValues: dynamo.Item{
			":bucket": &types.AttributeValueMemberS{Value: bucket}, ":low": &types.AttributeValueMemberN{Value: low}, ":high": &types.AttributeValueMemberN{Value: high},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Items
}

// read returns the logs of an item in which each log has its id.
func read(t *testing.T, key webhook.Key, item dynamo.Item) []attemptlog.Log {
	t.Helper()
	packed, _ := item["logs"].(*types.AttributeValueMemberB)
	_, deflated := item["deflated"]
	text, err := dynamo.Unpack(packed.Value, deflated)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := attemptlog.DecodeLogs(text, key, 0, millis(t, item["from"]))
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// Every log that is not delivered is also in a chunk of problems, and every log is in a
// row of its event, except a first attempt that succeeded.
func TestProblemsAndEventRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := int64(100)
	rapid.Check(t, func(rt *rapid.T) {
		id++
		b.key.ID = id
		first := rapid.SampledFrom([]int64{1, 996, 1990}).Draw(rt, "first problem")
		b.count(t, rapid.SampledFrom([]int64{0, 995, 998}).Draw(rt, "last id"), first-1)
		var problems, rows []attemptlog.Log
		var late []attemptlog.Chunk
		last := b.lastID(t)
		for range rapid.IntRange(1, 3).Draw(rt, "flushes") {
			logs := b.logs(rapid.IntRange(1, 12).Draw(rt, "logs"))
			for i := range logs {
				logs[i].EventID = "evt-" + strconv.FormatInt(id, 10) + "-" + strconv.Itoa(rapid.IntRange(1, 4).Draw(rt, "event"))
				logs[i].Outcome = rapid.SampledFrom(attemptlog.Outcomes()).Draw(rt, "outcome")
				logs[i].Attempt = rapid.IntRange(1, 2).Draw(rt, "attempt")
				last++
				log := logs[i]
				log.ID = last
				if log.Outcome != attemptlog.Delivered {
					problems = append(problems, log)
				}
				if log.Outcome != attemptlog.Delivered || log.Attempt > 1 {
					rows = append(rows, log)
				}
			}
			if rapid.Bool().Draw(rt, "late") {
				late = append(late, b.unwritten(t, logs)...)
			} else {
				b.append(t, logs)
			}
		}
		b.rewrite(t, late)
		if diff := cmp.Diff(problems, b.problems(t, first), cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("problems (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(rows, b.rows(t), cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("event rows (-want +got):\n%s", diff)
		}
	})
}

// rows returns the logs of all event rows of the bundle's webhook, in the order of their
// ids. It reads each event with one Query, in which the webhook is a range of sort keys.
func (b *bundle) rows(t *testing.T) []attemptlog.Log {
	t.Helper()
	var logs []attemptlog.Log
	webhookID := strconv.FormatInt(b.key.ID, 10)
	for _, event := range []string{"1", "2", "3", "4"} {
		for _, item := range b.query(t, "acme#e#evt-"+webhookID+"-"+event, webhookID+strings.Repeat("0", 19), webhookID+strings.Repeat("9", 19)) {
			log := read(t, b.key, item)[0]
			if sort := item["log_id"].(*types.AttributeValueMemberN).Value; !strings.HasSuffix(sort, strconv.FormatInt(log.ID, 10)) || !strings.HasSuffix(log.EventID, event) {
				t.Errorf("the row %s of event %s is log %d of event %s", sort, event, log.ID, log.EventID)
			}
			logs = append(logs, log)
		}
	}
	slices.SortFunc(logs, func(x, y attemptlog.Log) int { return int(x.ID - y.ID) })
	return logs
}
