package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook"
)

// unreachable is the error of a refused destination. It is the same as that of a
// closed port.
const unreachable = "无法连接到接收方"

// TestDispatcherNeverCallsItsOwnNetwork: a webhook's URL may lead to the Runtime API of
// the function, or to its AWS endpoint.
func TestDispatcherNeverCallsItsOwnNetwork(t *testing.T) {
	t.Parallel()
	c, api := setup(t), newRuntimeAPI(t)
	runtimePort, cloudPort := port(api.server.URL), port(c.stack.EndpointURL)
	webhooks := []created{
		c.webhook("http://127.0.0.1:"+runtimePort+runtimePath+"next", "environment.created"),
		c.webhook("http://localhost:"+runtimePort+runtimePath+"next", "environment.created"),
		c.webhook("http://127.0.0.2:"+runtimePort+"/", "environment.created"),
		c.webhook("http://LOCALHOST.:"+runtimePort+"/", "environment.created"),
		c.webhook(nobody, "environment.created"), c.webhook(nobody, "environment.created"),
	}
	// create-webhook refuses these URLs, but the address of a name can change later.
	c.storeURL(t, webhooks[4].ID, "http://127.0.0.1:"+cloudPort+"/_ministack/health")
	c.storeURL(t, webhooks[5].ID, "http://localhost:"+cloudPort+"/_ministack/health")

	var batch events.SQSEvent
	for _, w := range webhooks {
		batch.Records = append(batch.Records, c.deliveryRecord(w.ID))
	}
	answer := api.run(t, "DispatcherFunction", encoded(t, batch))
	if answer != `{"batchItemFailures":[]}` {
		t.Errorf("the dispatcher returned %s, want every message settled", answer)
	}
	api.untouched(t)
	for _, w := range webhooks {
		log := c.waitForLogs(w.ID, 1)[0]
		want := logItem{LogID: 1, EventType: "environment.created", CreatedAt: log.CreatedAt, EventID: "evt-1", Attempt: 1,
			Outcome: "failed", Error: unreachable, ResponseTime: log.ResponseTime}
		if log != want {
			t.Errorf("log of webhook %d = %+v, want %+v", w.ID, log, want)
		}
	}
}

func TestTestRouteNeverCallsItsOwnNetwork(t *testing.T) {
	t.Parallel()
	c, api := setup(t), newRuntimeAPI(t)
	made := c.webhook(api.server.URL+runtimePath+"next", "environment.created")
	request := cloudtest.Request(t, "test-webhook.json")
	request.RawPath = path(made.ID, "/test")
	request.RequestContext.HTTP.Path, request.PathParameters = request.RawPath, nil
	request.RequestContext.Authorizer.Lambda["tenant_id"] = c.id

	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal([]byte(api.run(t, "TestWebhookFunction", encoded(t, request))), &response); err != nil {
		t.Fatal(err)
	}
	api.untouched(t)
	got := dataOf[tested](t, answer{Status: response.StatusCode, Body: response.Body}, http.StatusOK)
	if got.StatusCode != 0 || got.Error != unreachable {
		t.Errorf("response = %+v, want the status code 0 and %q", got, unreachable)
	}
	if log := c.waitForLogs(made.ID, 1)[0]; log.Outcome != "failed" || log.Error != unreachable || log.ResponseBody != "" {
		t.Errorf("log = %+v, want outcome failed with the error %q", log, unreachable)
	}
}

// TestTheCloudsEndpointCannotBeRegistered tries every name of loopback.
func TestTheCloudsEndpointCannotBeRegistered(t *testing.T) {
	t.Parallel()
	c := setup(t)
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST.", "127.9.9.9", "[::1]", "sub.localhost", "0.0.0.0"} {
		t.Run(host, func(t *testing.T) {
			body := wanted("url", quoted("http://"+host+":"+port(c.stack.EndpointURL)+"/"))
			got := c.with(t, c.key).call("POST", "/api/v1/webhooks", body).refused(t)
			if got.Status != http.StatusBadRequest || len(got.Fields) != 1 || got.Fields[0] != "url" {
				t.Errorf("response = %+v, want the url refused", got)
			}
		})
	}
}

// storeURL changes the URL of a webhook in the table.
func (c *tenant) storeURL(t testing.TB, id int64, url string) {
	t.Helper()
	table := physicalID(t, "WebhooksTable")
	expression, names := "SET #url = :url", map[string]string{"#url": "url"}
	_, err := dynamodb.NewFromConfig(cloudtest.Config(t)).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, UpdateExpression: &expression, ExpressionAttributeNames: names,
		Key: map[string]types.AttributeValue{
			"tenant_id":  &types.AttributeValueMemberS{Value: c.id},
			"webhook_id": &types.AttributeValueMemberN{Value: path(id)[len("/api/v1/webhooks/"):]},
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{":url": &types.AttributeValueMemberS{Value: url}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.call("GET", path(id), ""); !strings.Contains(got.Body, `"`+url+`"`) {
		t.Fatalf("the webhook is %s, want the url %s", got.Body, url)
	}
}

// deliveryRecord returns the message of a delivery as Lambda receives it from SQS.
func (c *tenant) deliveryRecord(id int64) events.SQSMessage {
	d := delivery.Delivery{
		Webhook: webhook.Key{TenantID: c.id, ID: id}, Event: event.Key{TenantID: c.id, ID: "evt-1"},
		Type: event.EnvironmentCreated, Attempt: 1, Due: time.Now(), Body: []byte(`{"type":"environment.created"}`),
	}
	return events.SQSMessage{MessageId: path(id), Body: d.Encode(), Attributes: map[string]string{"ApproximateReceiveCount": "1"}}
}

func encoded(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// port returns the port of a URL without a path.
func port(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }
