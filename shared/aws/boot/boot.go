// Package boot starts a Lambda function: it reads the function's settings, makes
// the AWS SDK's configuration and hands the function to the Lambda runtime.
package boot

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Build wires a function once at cold start and returns what Lambda invokes:
// any value that [lambda.Start] takes. Tests call the same Build.
type Build[F any] func(log *slog.Logger, getenv func(string) string) (F, error)

// Main builds the function and hands it to the Lambda runtime. When it cannot
// be built, it logs why and ends the process, which fails the cold start.
func Main[F any](build Build[F]) {
	log := lambdacontext.NewLogger()
	// net/http and api-proxy print to the standard logger, and what they print
	// may quote a hostile receiver: kept out unless somebody debugs.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log)
	function, err := build(log, os.Getenv)
	if err != nil {
		log.Error("the function cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}
