package attemptlogdb_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/attemptlog"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

// A write costs one unit per KiB, and the bill of an attempt hangs on these limits: a chunk
// of ten logs takes two units, and a chunk of one log, a problem or an event row one.
func TestChunksStaySmall(t *testing.T) {
	t.Parallel()
	ordinary := func(l *attemptlog.Log, _ int) { l.ResponseBody = `{"received":true}` }
	tests := []struct {
		name   string
		logs   int
		change func(l *attemptlog.Log, n int)
		want   int // bytes of the largest item
	}{
		{name: "one log", logs: 1, change: ordinary, want: 1024},
		{name: "ten logs", logs: 10, change: ordinary, want: 2048},
		{name: "ten logs with ids of their own in the response", logs: 10, want: 2048, change: func(l *attemptlog.Log, n int) {
			l.ResponseBody = fmt.Sprintf(`{"status":"ok","request_id":"%s","received_at":"2026-01-26T10:00:%02dZ"}`, random(100+n), n)
		}},
		{name: "ten logs of retries with an error page", logs: 10, want: 2048, change: func(l *attemptlog.Log, _ int) {
			failed(l)
			l.ResponseBody = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.27.3</center>\r\n</body>\r\n</html>\r\n"
		}},
		{name: "one log with the longest ids and a body of the default limit", logs: 1, want: 1024, change: func(l *attemptlog.Log, _ int) {
			failed(l)
			l.TenantID, l.EventID, l.WebhookID = strings.Repeat("t", 64), strings.Repeat("e", 64), 1000
			l.ResponseBody, l.Truncated = (random(1) + random(2) + random(3) + random(4) + random(5) + random(6) + random(7) + random(8))[:512], true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			logs := b.logs(tt.logs)
			for i := range logs {
				logs[i].EventID, logs[i].ResponseTime = random(i)[:36], time.Duration(97+13*i)*time.Millisecond
				logs[i].Timing = attemptlog.Timing{
					DNS: time.Duration(2+i) * time.Millisecond, Connect: time.Duration(31+7*i) * time.Millisecond,
					TLS: time.Duration(67+5*i) * time.Millisecond, FirstByte: time.Duration(90+13*i) * time.Millisecond,
				}
				logs[i].CreatedAt = b.now.Add(-time.Duration(29*i) * time.Millisecond)
				tt.change(&logs[i], i)
			}
			chunks := attemptlog.Chunks(logs)[0].Numbered(100_000_000, 1_000_000)
			largest := 0
			faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
				for _, request := range in.RequestItems[b.table] {
					largest = max(largest, cloudtest.ItemSize(t, request.PutRequest.Item))
				}
				return &dynamodb.BatchWriteItemOutput{}, nil
			})
			b.rewrite(t, chunks)
			if largest > tt.want || largest < 100 {
				t.Errorf("the largest item takes %d bytes, want 100 to %d", largest, tt.want)
			}
			t.Logf("the largest item takes %d bytes", largest)
		})
	}
}

func failed(l *attemptlog.Log) {
	l.EventType, l.Trigger, l.Attempt = event.EnvironmentCreated, attemptlog.Retry, 2
	l.Outcome, l.StatusCode, l.Failure, l.NextAttemptAt = attemptlog.Retrying, 502, "protocol", l.CreatedAt.Add(time.Hour)
}

// random returns 64 hexadecimal digits for n.
func random(n int) string {
	sum := sha256.Sum256([]byte{byte(n)})
	return hex.EncodeToString(sum[:])
}
