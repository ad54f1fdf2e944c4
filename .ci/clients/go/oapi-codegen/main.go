// Publishes an event with the client that oapi-codegen made.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"clients/oapi-codegen/api"
)

func main() {
	if err := publish(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func publish(ctx context.Context) error {
	client, err := api.NewClientWithResponses(os.Getenv("API_URL"), api.WithRequestEditorFn(authenticate))
	if err != nil {
		return err
	}
	var body api.Publication
	event := api.NewEvent{Type: api.EventTypeTrainingCompleted, Data: map[string]any{"job": 7}}
	if err := body.FromNewEvent(event); err != nil {
		return err
	}
	response, err := client.PublishEventsWithResponse(ctx, nil, body)
	if err != nil {
		return err
	}
	if response.JSON202 == nil {
		return fmt.Errorf("%s: %s", response.Status(), response.Body)
	}
	published, err := response.JSON202.Data.AsPublishedEvent()
	if err != nil {
		return err
	}
	fmt.Println(published.Id)
	return nil
}

// authenticate adds the API key to a request.
func authenticate(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+os.Getenv("API_KEY"))
	return nil
}
