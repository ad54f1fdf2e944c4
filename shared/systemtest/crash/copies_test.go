package crash_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// checkCopies checks the copies of the logs of a webhook about an event: every problem is
// in the list of problems, and every log but that of a first success is a row of its
// event. all are the logs of the webhook.
func (w *walk) checkCopies(key webhook.Key, all []attemptlog.Log, eventID string) {
	w.t.Helper()
	var problems, rows []attemptlog.Log
	for _, l := range all {
		if l.EventID != eventID {
			continue
		}
		if l.Problem() {
			problems = append(problems, l)
		}
		if l.ByEvent() {
			rows = append(rows, l)
		}
	}
	name := fmt.Sprintf("%s#%d", key.TenantID, key.ID)
	// A walk makes fewer than 50 problems, which lie at the end of one bucket or of two.
	found := append(w.copies(key, name+"#p0", "", eventID), w.copies(key, name+"#p1", "", eventID)...)
	w.compare("problems", problems, found)
	w.compare("event rows", rows, w.copies(key, key.TenantID+"#e#"+eventID, strconv.FormatInt(key.ID, 10), eventID))
}

func (w *walk) compare(what string, want, got []attemptlog.Log) {
	w.t.Helper()
	byID := func(x, y attemptlog.Log) int { return cmp.Compare(x.ID, y.ID) }
	slices.SortFunc(want, byID)
	slices.SortFunc(got, byID)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("%s: %s (-logs +copies):\n%s", w, what, diff)
	}
}

// copies returns the logs about an event in the last items of a bucket whose sort keys
// begin with prefix and 19 more digits, or in all of them without a prefix.
func (w *walk) copies(key webhook.Key, bucket, prefix, eventID string) (found []attemptlog.Log) {
	w.t.Helper()
	out, err := w.direct.Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: &w.names.logs, KeyConditionExpression: aws.String("log_bucket = :bucket"), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(50),
		ExpressionAttributeValues: map[string]types.AttributeValue{":bucket": &types.AttributeValueMemberS{Value: bucket}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range out.Items {
		sort := item["log_id"].(*types.AttributeValueMemberN).Value
		if prefix != "" && (!strings.HasPrefix(sort, prefix) || len(sort) != len(prefix)+19) {
			continue
		}
		var stored struct {
			From int64  `dynamodbav:"from"`
			Logs []byte `dynamodbav:"logs"`
		}
		if err := attributevalue.UnmarshalMap(item, &stored); err != nil {
			w.t.Fatal(err)
		}
		logs, err := attemptlog.DecodeLogs(stored.Logs, key, 0, time.UnixMilli(stored.From))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, l := range logs {
			if l.EventID == eventID {
				found = append(found, l)
			}
		}
	}
	return found
}
