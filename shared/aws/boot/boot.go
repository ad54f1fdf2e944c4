// Package boot starts a Lambda function: it reads the function's settings, makes
// the AWS SDK's configuration and hands the function to the Lambda runtime.
package boot

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Build wires a function at cold start and returns the value for [lambda.Start].
// Tests call the same Build.
type Build[F any] func(log *slog.Logger, getenv func(string) string) (F, error)

// Main builds the function and passes it to the Lambda runtime. If build fails,
// Main logs the error and exits with status 1, which fails the cold start.
func Main[F any](build Build[F]) {
	log := lambdacontext.NewLogger()
	// net/http and aws-lambda-go write to the standard logger, and may quote data of a
	// receiver or a caller. At level debug these lines are off by default.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log)
	function, err := build(log, os.Getenv)
	if err != nil {
		log.Error("the function cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}
