package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	event, err := json.Marshal(map[string]any{
		"id": "env-42-created", "type": "environment.created", "tenant_id": "acme",
		"data": map[string]any{"environment_id": 42},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	sent, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:    aws.String(os.Getenv("EVENTS_QUEUE_URL")),
		MessageBody: aws.String(string(event)),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*sent.MessageId)
}
