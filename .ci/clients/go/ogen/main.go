// Publishes an event with the client that ogen made.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"clients/ogen/api"

	"github.com/go-faster/jx"
)

func main() {
	if err := publish(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func publish(ctx context.Context) error {
	client, err := api.NewClient(os.Getenv("API_URL"), key(os.Getenv("API_KEY")))
	if err != nil {
		return err
	}
	event := api.NewEvent{Type: api.EventTypeTrainingCompleted, Data: jx.Raw(`{"job":7}`)}
	response, err := client.PublishEvents(ctx, api.NewNewEventPublication(event), api.PublishEventsParams{})
	if err != nil {
		return err
	}
	accepted, is := response.(*api.PublishEventsAcceptedHeaders)
	if !is {
		return fmt.Errorf("%T: %+v", response, response)
	}
	published, is := accepted.Response.Data.GetPublishedEvent()
	if !is {
		return fmt.Errorf("the response has no id: %+v", accepted.Response)
	}
	fmt.Println(published.ID)
	return nil
}

// key is the API key of every request.
type key string

// Token returns the key, which needs no other for any operation.
func (k key) Token(context.Context, api.OperationName) (api.Token, error) {
	return api.Token{Token: string(k)}, nil
}
