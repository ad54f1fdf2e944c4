package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
)

type bundle struct {
	function httpapi.Function
	request  events.APIGatewayV2HTTPRequest
	queue    *sqs.Client
	url      string
	stored   *eventdb.Store
	log      *bytes.Buffer
}

func setup(t *testing.T) bundle {
	t.Helper()
	cfg := cloudtest.Config(t)
	table, url := cloudtest.Table(t, "EventsTable"), cloudtest.Queue(t)
	log := new(bytes.Buffer)
	function, err := build(slog.New(slog.NewJSONHandler(log, nil)), cloudtest.Getenv(t, map[string]string{
		"EVENTS_TABLE": table, "EVENTS_QUEUE_URL": url, "PUBLISH_RATE": "1", "PUBLISH_BURST": "100",
	}))
	if err != nil {
		t.Fatal(err)
	}
	return bundle{
		function: function, request: cloudtest.Request(t, "publish-events.json"), queue: sqs.NewFromConfig(cfg),
		url: url, stored: eventdb.New(dynamodb.NewFromConfig(cfg), table, time.Hour), log: log,
	}
}

func (b bundle) publish(t *testing.T, body string) cloudtest.Response {
	t.Helper()
	b.request.Body = body
	return cloudtest.Invoke(t, b.function, b.request)
}

// queued receives all messages of the queue.
func (b bundle) queued(t *testing.T) []string {
	t.Helper()
	var bodies []string
	for {
		output, err := b.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &b.url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(output.Messages) == 0 {
			return bodies
		}
		for _, m := range output.Messages {
			bodies = append(bodies, *m.Body)
		}
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := cloudtest.Invoke(t, b.function, b.request)
	if want := `{"code":0,"message":"事件已接收","data":{"id":"env-42-created"}}`; response.Status != 202 || response.Body != want {
		t.Errorf("response = %d %s, want 202 %s", response.Status, response.Body, want)
	}
	want := []string{`{"via":"http","id":"env-42-created","type":"environment.created","tenant_id":"demo","timestamp":"2026-01-26T10:00:00Z","data":{"environment_id": 42}}`}
	if diff := cmp.Diff(want, b.queued(t)); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
}

func TestPublishKeepsTheBytesAndGeneratesAnID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := b.publish(t, `{"type":"alert.resolved","data":{ "z": 1.000000000000000000001, "a": "\u00e9\/" }}`)
	id, _ := response.Envelope(t).Data["id"].(string)
	want := []string{`{"via":"http","id":"` + id + `","type":"alert.resolved","tenant_id":"demo","data":{ "z": 1.000000000000000000001, "a": "\u00e9\/" }}`}
	if diff := cmp.Diff(want, b.queued(t)); diff != "" || !strings.HasPrefix(id, "evt_") {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := `"` + strings.Repeat("x", event.MaxData) + `"`
	tests := []struct {
		name, body string
		status     int
		want       []string
	}{
		{name: "not JSON", body: `hello`, status: 400},
		{name: "everything wrong", body: `{"id":"a.b","type":"x","timestamp":"today","tenant_id":"acme"}`, status: 400, want: []string{"id", "type", "timestamp", "data", "tenant_id"}},
		{name: "a time that is not in RFC 3339", body: `{"type":"alert.resolved","timestamp":"2026-01-26T9:00:00Z","data":1}`, status: 400, want: []string{"timestamp"}},
		{name: "empty", body: `{}`, status: 400, want: []string{"type", "data"}},
		{name: "type is not a string", body: `{"type":1,"data":1}`, status: 400, want: []string{"type"}},
		{name: "a character that SQS refuses", body: "{\"type\":\"alert.resolved\",\"data\":\"\uffff\"}", status: 400, want: []string{"data"}},
		{name: "events is not a list", body: `{"events":{}}`, status: 400, want: []string{"events"}},
		{name: "events is empty", body: `{"events":[]}`, status: 400, want: []string{"events"}},
		{name: "101 events", body: `{"events":[1` + strings.Repeat(",1", 100) + `]}`, status: 400, want: []string{"events"}},
		{name: "deep data", body: `{"type":"alert.resolved","data":` + nested(event.MaxDepth+1) + `}`, status: 400, want: []string{"data"}},
		{name: "very deep data", body: `{"type":"alert.resolved","data":` + nested(maxBody/2-100) + `}`, status: 400, want: []string{"data"}},
		{name: "deep members", body: `{"id":` + nested(9999) + `,"type":` + nested(200) + `,"timestamp":` + nested(104) + `,"data":1,"x":` + nested(5000) + `}`, status: 400, want: []string{"id", "type", "timestamp", "x"}},
		{name: "deep events", body: `{"events":` + nested(9999) + `}`, status: 400},
		{name: "a batch with a type", body: `{"events":[{}],"type":"alert.resolved"}`, status: 400, want: []string{"type"}},
		{name: "data too large", body: `{"type":"alert.resolved","data":` + large + `}`, status: 413},
		{name: "body too large", body: strings.Repeat(" ", maxBody+1), status: 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := b.publish(t, tt.body)
			if response.Status != tt.status {
				t.Fatalf("response = %d %.300s, want %d", response.Status, response.Body, tt.status)
			}
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, response.Refused(t)); diff != "" {
					t.Errorf("refused fields (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	t.Run("each entry has its own result", func(t *testing.T) {
		response := b.publish(t, `{"events":[{"id":"a","type":"alert.resolved","data":1},{"id":"b","type":"nothing","data":1},7,{"id":"c","type":"alert.resolved","data":2}]}`)
		var got struct {
			Data struct {
				Accepted int
				Items    []struct {
					ID    string
					Error struct{ Code int }
				}
			}
		}
		if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
			t.Fatal(err)
		}
		var items []string
		for _, item := range got.Data.Items {
			items = append(items, item.ID+" "+strconv.Itoa(item.Error.Code))
		}
		if diff := cmp.Diff([]string{"a 0", "b 40002", " 40001", "c 0"}, items); diff != "" || response.Status != 202 || got.Data.Accepted != 2 {
			t.Errorf("response = %d %s\nitems (-want +got):\n%s", response.Status, response.Body, diff)
		}
		if n := len(b.queued(t)); n != 2 {
			t.Errorf("%d events queued, want 2", n)
		}
	})
	t.Run("a batch without an accepted event fails", func(t *testing.T) {
		response := b.publish(t, `{"events":[{"type":"nothing","data":1}]}`)
		if response.Status != 400 || response.Envelope(t).Code != 40002 {
			t.Errorf("response = %d %s", response.Status, response.Body)
		}
	})
}

func TestAStoredEventIsNotQueuedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const first = `{"id":"e1","type":"alert.resolved","data":1}`
	message := event.Message{Body: []byte(`{"id":"e1","type":"alert.resolved","tenant_id":"demo","data":1}`)}
	e, err := event.Decode(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.stored.Create(t.Context(), e, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if response := b.publish(t, first); response.Status != 202 || !strings.Contains(response.Body, `"id":"e1"`) {
		t.Errorf("the same event again: %d %s", response.Status, response.Body)
	}
	if response := b.publish(t, `{"id":"e1","type":"alert.resolved","data":2}`); response.Status != 409 {
		t.Errorf("another event with its id: %d %s, want 409", response.Status, response.Body)
	}
	if n := len(b.queued(t)); n != 0 {
		t.Errorf("%d events queued, want none", n)
	}
}

func TestQueueDownIsUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var err error
	b.function, err = build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, map[string]string{
		"EVENTS_TABLE": cloudtest.Table(t, "EventsTable"), "EVENTS_QUEUE_URL": b.url + "-gone", "PUBLISH_RATE": "0", "PUBLISH_BURST": "1",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if response := b.publish(t, `{"type":"alert.resolved","data":1}`); response.Status != 503 {
		t.Errorf("response = %d %s, want 503, because nothing is queued", response.Status, response.Body)
	}
}
