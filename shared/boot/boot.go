// Package boot starts a Lambda function.
package boot

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
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
