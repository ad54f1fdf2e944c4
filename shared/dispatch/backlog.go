package dispatch

import "webhooks/shared/queue"

// stored counts the tasks whose next attempt became a row of the retries table,
// by how far away it is: what stood in for a queue that was down is not counted.
func (d *Dispatcher) stored(tasks []*task) int {
	horizon, rows := d.Now().Add(queue.MaxDelay), 0
	for _, t := range tasks {
		if t.err == nil && t.next != nil && t.next.Due.After(horizon) {
			rows++
		}
	}
	return rows
}
