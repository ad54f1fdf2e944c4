package crash_test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/delivery"
)

// rows returns the deliveries in the retries table. It reads the table only after a
// write that may have changed it.
func (w *walk) rows() []delivery.Delivery {
	w.t.Helper()
	if !w.written.Swap(false) {
		return w.known
	}
	w.known = w.read()
	return w.known
}

// read reads all rows of the retries table.
func (w *walk) read() []delivery.Delivery {
	w.t.Helper()
	out, err := w.direct.Scan(w.t.Context(), &dynamodb.ScanInput{TableName: &w.retries})
	if err != nil {
		w.t.Fatal(err)
	}
	var list []delivery.Delivery
	for _, item := range out.Items {
		text, isRow := item["message"].(*types.AttributeValueMemberS)
		if !isRow {
			continue // the cursor
		}
		m, err := delivery.Decode([]byte(text.Value))
		if err != nil {
			w.t.Fatal(err)
		}
		d, err := m.Only()
		if err != nil {
			w.t.Fatalf("the row %s: %v", text.Value, err)
		}
		list = append(list, d)
	}
	return list
}

// earliest returns when the first row is due, and false without rows.
func (w *walk) earliest() (time.Time, bool) {
	rows := w.rows()
	if len(rows) == 0 {
		return time.Time{}, false
	}
	due := rows[0].Due
	for _, row := range rows {
		if row.Due.Before(due) {
			due = row.Due
		}
	}
	return due, true
}

// nextTick returns when the retrier next moves a row, and false without rows.
func (w *walk) nextTick() (time.Time, bool) {
	due, found := w.earliest()
	return later(w.now, due.Add(-time.Minute)), found
}
