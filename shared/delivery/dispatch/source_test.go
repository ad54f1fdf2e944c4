package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// visibility is the visibility timeout of the queues.
const visibility = 6 * time.Minute

// sourceStub is a queue on the clock of a synctest bubble. The zero value is empty.
type sourceStub struct {
	refuseReceive, refuseDelete, refuseHide error
	refuseFirst                             error         // of the polls
	late                                    time.Duration // of the answer to every poll
	deleting                                func(handle string)

	mu      sync.Mutex
	waiting []arrival
	sent    int
	polls   []poll
	deleted []string                 // receipt handles
	changed map[string]time.Duration // by receipt handle
}

// arrival is a message that waits in the queue.
type arrival struct {
	at     time.Time
	record events.SQSMessage
}

// poll is a call of Receive.
type poll struct {
	at           time.Time
	most         int
	wait, hidden time.Duration
	got          int
}

// arrive puts a message into the queue, which is visible after a delay.
func (s *sourceStub) arrive(after time.Duration, records ...events.SQSMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.sent++
		r.MessageId = fmt.Sprintf("taken-%d", s.sent)
		r.ReceiptHandle = "handle of " + r.MessageId
		s.waiting = append(s.waiting, arrival{time.Now().Add(after), r})
	}
}

func (s *sourceStub) Receive(ctx context.Context, most int, wait, hidden time.Duration) ([]events.SQSMessage, error) {
	s.mu.Lock()
	index := len(s.polls)
	s.polls = append(s.polls, poll{at: time.Now(), most: most, wait: wait, hidden: hidden})
	s.mu.Unlock()
	if s.refuseReceive != nil {
		return nil, s.refuseReceive
	}
	if s.refuseFirst != nil && index == 0 {
		return nil, s.refuseFirst
	}
	var got []events.SQSMessage
	const step = 10 * time.Millisecond
	for end := time.Now().Add(wait); ; {
		if got = s.visible(most); len(got) > 0 || !time.Now().Before(end) {
			break
		}
		pause(ctx, step)
	}
	pause(ctx, s.late)
	if err := ctx.Err(); err != nil {
		return nil, err // a poll that is cancelled: its messages stay hidden
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls[index].got = len(got)
	return got, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// visible takes up to most visible messages out of the queue.
func (s *sourceStub) visible(most int) (got []events.SQSMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(a arrival) bool {
		if len(got) == min(most, 10) || a.at.After(time.Now()) {
			return false
		}
		got = append(got, a.record)
		return true
	})
	return got
}

func (s *sourceStub) Delete(ctx context.Context, handles []string) []error {
	if err := ctx.Err(); err != nil {
		return allOf(len(handles), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, handle := range handles {
		if s.deleting != nil {
			s.deleting(handle)
		}
	}
	if s.refuseDelete == nil {
		s.deleted = append(s.deleted, handles...)
	}
	return allOf(len(handles), s.refuseDelete)
}

func (s *sourceStub) Hide(_ context.Context, handles []string, hidden time.Duration) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, handle := range handles {
		if s.changed == nil {
			s.changed = make(map[string]time.Duration)
		}
		s.changed[handle] = hidden
	}
	return allOf(len(handles), s.refuseHide)
}
