// Publishes an event with the client that openapi-generator made.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"clients/openapi-generator/api"
)

func main() {
	if err := publish(); err != nil {
		log.Fatal(err)
	}
}

func publish() error {
	settings := api.NewConfiguration()
	settings.Servers = api.ServerConfigurations{{URL: os.Getenv("API_URL")}}
	ctx := context.WithValue(context.Background(), api.ContextAccessToken, os.Getenv("API_KEY"))
	event := api.NewNewEvent(api.TRAINING_COMPLETED, map[string]any{"job": 7})
	response, _, err := api.NewAPIClient(settings).EventsAPI.PublishEvents(ctx).
		Publication(api.NewEventAsPublication(event)).Execute()
	if err != nil {
		return err
	}
	if response.Data.PublishedEvent == nil {
		return fmt.Errorf("the response has no id: %+v", response)
	}
	fmt.Println(response.Data.PublishedEvent.Id)
	return nil
}
