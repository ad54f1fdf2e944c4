package boot

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SQSFunction is the Lambda function of a queue mapping with
// ReportBatchItemFailures:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type SQSFunction func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Invoke makes f a [lambda.Handler], which decodes the batch itself: encoding/json
// takes several times as long for messages of some KiB.
func (f SQSFunction) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, fmt.Errorf("decode the batch of messages: %w", err)
	}
	response, err := f(ctx, batch)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}
