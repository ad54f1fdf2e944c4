package attemptlog

import (
	"time"

	"webhooks/shared/webhook"
)

// BucketSize is how many ids, and how many problem numbers, share a partition key.
// The stored keys depend on it, so it can never change. No chunk crosses a multiple
// of it, and a page of at most 100 logs lies in at most two buckets.
const BucketSize = 1000

// Limits of a chunk. An item of DynamoDB has at most 400 KB and a message of
// SQS at most 1 MiB, and JSON may take six bytes for one byte of a response body.
const (
	maxLogs   = 100
	maxBodies = 32 << 10 // bytes of response bodies
)

// Chunk is logs of one webhook that are written together, in the order of their ids.
// Once it has ids, it is never split or merged: a chunk that is written again replaces
// exactly what it wrote before.
type Chunk struct {
	Webhook webhook.Key
	// First is the id of the first log. The others follow without a gap. It is 0 while
	// no ids are reserved.
	First int64
	// FirstProblem is the number of the first problem (see [Log.Problem]), which counts
	// the problems of the webhook from 1. The others follow without a gap. It is 0
	// without a problem, and while no ids are reserved.
	FirstProblem int64
	Logs         []Log
}

// Chunks returns logs without ids as one chunk for each webhook, or a few if they are
// many. It keeps their order.
func Chunks(logs []Log) []Chunk {
	var chunks []Chunk
	place := make(map[webhook.Key]int, len(logs))
	for _, log := range logs {
		key := log.Webhook()
		i, known := place[key]
		if !known || !chunks[i].takes(log) {
			i = len(chunks)
			place[key], chunks = i, append(chunks, Chunk{Webhook: key})
		}
		chunks[i].Logs = append(chunks[i].Logs, log)
	}
	return chunks
}

// Problems returns the problems among the logs of c.
func (c Chunk) Problems() []Log {
	var problems []Log
	for _, log := range c.Logs {
		if log.Problem() {
			problems = append(problems, log)
		}
	}
	return problems
}

// Numbered returns the logs of c with the ids from first on and the problem numbers
// from firstProblem on, in chunks that fit into an item and a bucket. It does not
// change c.
func (c Chunk) Numbered(first, firstProblem int64) []Chunk {
	var chunks []Chunk
	for i, log := range c.Logs {
		log.ID = first + int64(i)
		if n := len(chunks); n == 0 || !chunks[n-1].takes(log) {
			chunks = append(chunks, Chunk{Webhook: c.Webhook, First: log.ID})
		}
		last := &chunks[len(chunks)-1]
		if log.Problem() {
			if last.FirstProblem == 0 {
				last.FirstProblem = firstProblem
			}
			firstProblem++
		}
		last.Logs = append(last.Logs, log)
	}
	return chunks
}

// takes reports whether log fits into c, whose next log it is.
func (c Chunk) takes(log Log) bool {
	bytes := len(log.ResponseBody)
	for _, other := range c.Logs {
		bytes += len(other.ResponseBody)
	}
	return len(c.Logs) < maxLogs && bytes <= maxBodies && Bucket(log.ID) == Bucket(c.First)
}

// Bucket returns the number of the bucket of an id or of a problem number.
func Bucket(id int64) int64 { return id / BucketSize }

// Span returns the times at which the first and the last of logs were created. logs
// must not be empty.
func Span(logs []Log) (from, to time.Time) {
	from, to = logs[0].CreatedAt, logs[0].CreatedAt
	for _, log := range logs[1:] {
		if log.CreatedAt.Before(from) {
			from = log.CreatedAt
		}
		if log.CreatedAt.After(to) {
			to = log.CreatedAt
		}
	}
	return from, to
}
