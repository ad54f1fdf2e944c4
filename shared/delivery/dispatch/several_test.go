package dispatch_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// several is the lanes of a message that carries several deliveries of one event. Each
// webhook has its own answer and may be unreadable.
type several struct {
	*lanes
	answers    map[int64]attempt.Result
	webhooks   map[int64]func(*webhook.Webhook)
	unreadable map[int64]error

	mu   sync.Mutex
	made []int64 // webhooks that got a request
}

func (s *several) GetMany(_ context.Context, keys []webhook.Key, _ time.Time) (map[webhook.Key]webhook.Webhook, map[webhook.Key]error) {
	found, unreadable := make(map[webhook.Key]webhook.Webhook), make(map[webhook.Key]error)
	for _, key := range keys {
		if err := s.unreadable[key.ID]; err != nil {
			unreadable[key] = err
			continue
		}
		found[key] = webhooktest.Webhook(tenant, func(w *webhook.Webhook) {
			w.ID, w.Revision, w.URL = key.ID, 1, "https://receiver.example/"+string(rune('a'+key.ID))
			if change := s.webhooks[key.ID]; change != nil {
				change(w)
			}
		})
	}
	return found, unreadable
}

func (s *several) Disable(context.Context, webhook.Key, int64, time.Time) (bool, error) {
	return true, nil
}

func newSeveral(t *testing.T) *several {
	t.Helper()
	s := &several{lanes: newLanes(t), answers: make(map[int64]attempt.Result), webhooks: make(map[int64]func(*webhook.Webhook)), unreadable: make(map[int64]error)}
	s.Webhooks = s
	s.Sender = senderFunc(func(_ context.Context, r attempt.Request) attempt.Result {
		id := int64(r.URL[len(r.URL)-1] - 'a')
		s.mu.Lock()
		s.made = append(s.made, id)
		s.mu.Unlock()
		if answer, special := s.answers[id]; special {
			return answer
		}
		return attempt.Result{StatusCode: 200}
	})
	return s
}

// message returns one message to the webhooks.
func (s *several) message(change func(*delivery.Delivery), ids ...int64) events.SQSMessage {
	d := oneNow()
	if change != nil {
		change(&d)
	}
	return message(d.EncodeTo(ids...))
}

// requested returns the webhooks that got a request.
func (s *several) requested() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.made)
	return s.made
}

// alone returns the deliveries of messages, which carry one each, by webhook.
func alone(t *testing.T, messages []queue.Message) map[int64]delivery.Delivery {
	t.Helper()
	byWebhook := make(map[int64]delivery.Delivery)
	for _, m := range messages {
		content, err := delivery.Decode([]byte(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		d, err := content.Only()
		if err != nil {
			t.Fatal(err)
		}
		byWebhook[d.Webhook.ID] = d
	}
	return byWebhook
}
