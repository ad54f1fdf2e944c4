package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/queue"
)

// Each receiver has its own event type.
const (
	goodType    = "alert.triggered"
	failingType = "training.failed"
	slowType    = "environment.created"
)

// publishEvery is the time between two batches of events.
const publishEvery = 50 * time.Millisecond

// stack is the local stack under test.
type stack struct {
	APIURL         string `json:"api_url"`
	APIKey         string `json:"api_key"`
	TenantID       string `json:"tenant_id"`
	EventsQueueURL string `json:"events_queue_url"`

	events    *queue.Queue
	published map[string]map[string]time.Time // when each event was published, by type and id
}

// open reads the stack file that WEBHOOKS_STACK names.
func open(getenv func(string) string) (*stack, error) {
	text, err := os.ReadFile(getenv("WEBHOOKS_STACK"))
	if err != nil {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	s := &stack{published: make(map[string]map[string]time.Time)}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	settings := boot.NewSettings(getenv)
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	s.events = queue.Open(cfg, s.EventsQueueURL)
	return s, nil
}

// as returns the stack as another tenant uses it.
func (s *stack) as(tenant, key string) *stack {
	return &stack{APIURL: s.APIURL, APIKey: key, TenantID: tenant, EventsQueueURL: s.EventsQueueURL, events: s.events, published: make(map[string]map[string]time.Time)}
}

// register registers a webhook for each type and returns a function that deletes them.
func (s *stack) register(ctx context.Context, receivers map[string]*receiver) (remove func(), err error) {
	var paths []string
	remove = func() {
		for _, path := range paths {
			// Best effort: the test cloud drops its data when it stops.
			_, _ = s.call(context.WithoutCancel(ctx), http.MethodDelete, path, nil)
		}
	}
	for eventType, r := range receivers {
		path, err := s.registerOne(ctx, eventType, r.server.URL)
		if err != nil {
			return remove, err
		}
		paths = append(paths, path)
	}
	return remove, nil
}

// registerOne registers a webhook for a type and returns its path.
func (s *stack) registerOne(ctx context.Context, eventType, url string) (string, error) {
	answer, err := s.call(ctx, http.MethodPost, "/api/v1/webhooks", map[string]any{
		"name": "isolation " + eventType, "url": url, "events": []string{eventType},
	})
	if err != nil {
		return "", err
	}
	var made struct {
		Data struct {
			ID int64 `json:"webhook_id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &made); err != nil || made.Data.ID == 0 {
		return "", fmt.Errorf("register a webhook: %s", answer)
	}
	return fmt.Sprintf("/api/v1/webhooks/%d", made.Data.ID), nil
}

func (s *stack) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	_, text, err := s.do(ctx, method, path, body)
	return text, err
}

// do calls the API and returns the response and its body.
func (s *stack) do(ctx context.Context, method, path string, body any) (*http.Response, []byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.APIURL+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.APIKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, text, err
}

// event is a producer's message.
type event struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	TenantID string `json:"tenant_id"`
	Data     int    `json:"data"`
}

// publish publishes events for the duration, at rates per second by type, and at least one of each type.
func (s *stack) publish(ctx context.Context, duration time.Duration, rates map[string]int) error {
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	begun, sent := time.Now(), make(map[string]int)
	for now := begun; now.Sub(begun) < max(duration, 1); now = <-ticker.C {
		var messages []queue.Message
		for eventType, rate := range rates {
			for ; sent[eventType] <= int(now.Sub(begun).Seconds()*float64(rate)); sent[eventType]++ {
				message, err := s.event(eventType)
				if err != nil {
					return err
				}
				messages = append(messages, message)
			}
		}
		if err := errors.Join(s.events.Send(ctx, messages)...); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// event returns the message of a new event, and remembers when it was published.
func (s *stack) event(eventType string) (queue.Message, error) {
	id := rand.Text()
	body, err := json.Marshal(event{ID: id, Type: eventType, TenantID: s.TenantID})
	if s.published[eventType] == nil {
		s.published[eventType] = make(map[string]time.Time)
	}
	s.published[eventType][id] = time.Now()
	return queue.Message{Body: string(body)}, err
}
