// Package boot starts a Lambda function.
package boot

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Build wires a function once at cold start and returns what Lambda invokes:
// any value that [lambda.Start] takes. Tests call the same Build.
type Build[F any] func(ctx context.Context, log *slog.Logger, getenv func(string) string) (F, error)

// Main builds the function and hands it to the Lambda runtime. When it cannot
// be built, it logs why and ends the process, which fails the cold start.
func Main[F any](build Build[F]) {
	log := lambdacontext.NewLogger()
	// net/http and api-proxy print to the standard logger, and what they print
	// may quote a hostile receiver: kept out unless somebody debugs.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log)
	function, err := build(context.Background(), log, os.Getenv)
	if err != nil {
		log.Error("the function cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}

// SQSFunction is what Lambda invokes for a queue mapping that reports batch
// item failures:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type SQSFunction func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Invoke makes f a [lambda.Handler], so that the batch is not decoded by
// encoding/json, which takes several times as long for messages of some KiB.
func (f SQSFunction) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, fmt.Errorf("read a batch of messages: %w", err)
	}
	response, err := f(ctx, batch)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}
