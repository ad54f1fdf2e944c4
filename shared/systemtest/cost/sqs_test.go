package cost_test

// sqs counts a request of a function to a queue. SQS bills it in chunks of 64 KiB of its
// messages. Functions drive and deliver count the requests of the event source mappings.
func (m *meter) sqs(operation string, body []byte) func([]byte) {
	var request struct {
		QueueUrl string
		Entries  []struct {
			MessageBody       string
			MessageGroupId    string
			MessageAttributes map[string]struct{ DataType, StringValue string }
		}
	}
	m.decode(body, &request)
	queue := m.stack.LogicalID(request.QueueUrl)
	switch operation {
	case "SendMessageBatch":
		size, fair := 0, false
		for _, entry := range request.Entries {
			size += len(entry.MessageBody)
			for name, a := range entry.MessageAttributes {
				size += len(name) + len(a.DataType) + len(a.StringValue)
			}
			fair = fair || entry.MessageGroupId != ""
		}
		m.countQueue(queue, units(size, sqsRequest), fair)
		return nil
	case "ReceiveMessage":
		return func(answer []byte) { m.countTaken(queue, answer) }
	case "DeleteMessageBatch", "ChangeMessageVisibilityBatch":
		m.countQueue(queue, 1, true)
		return nil
	}
	m.t.Errorf("the meter does not know %s; add its cost", operation)
	return nil
}

// polls is the end of the name of requests that brought no message. How many an
// invocation makes depends on how long it waits, so a scenario with fast receivers does
// not compare them: on a slow machine it may have some.
const polls = " polls"

// countTaken counts a request with which a function received messages itself.
func (m *meter) countTaken(queue string, answer []byte) {
	var received struct{ Messages []struct{ Body string } }
	m.decode(answer, &received)
	size := 0
	for _, message := range received.Messages {
		size += len(message.Body)
	}
	if len(received.Messages) == 0 {
		m.count(queue+polls, 1)
		return
	}
	m.countQueue(queue, units(size, sqsRequest), true)
}

// countQueue counts requests to a queue. A request with a message group (a fair
// queue) costs more.
func (m *meter) countQueue(queue string, requests float64, fair bool) {
	m.count(queue+" requests", requests)
	if fair {
		m.count(queue+" requests of fair queues", requests)
	}
}
