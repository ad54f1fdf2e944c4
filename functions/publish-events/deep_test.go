package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/event"
)

// nested returns arrays of the given number of levels.
func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// TestBatchRefusesOnlyItsDeepEvents: data that is too deep for a receiver fails its
// own event and not the others of the request.
func TestBatchRefusesOnlyItsDeepEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := func(id string, levels int) string {
		return fmt.Sprintf(`{"id":%q,"type":"alert.resolved","data":%s}`, id, nested(levels))
	}
	response := b.publish(t, `{"events":[`+strings.Join([]string{
		e("most", event.MaxDepth), e("deep", event.MaxDepth+1), e("deeper", 9999), e("flat", 1), e("deepest", 400_000),
	}, ",")+`]}`)
	var got struct {
		Data struct {
			Accepted int
			Items    []struct {
				ID    string
				Error *struct {
					Code int
					Data struct {
						Errors []struct{ Field, Message string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(response.Body), &got); err != nil || response.Status != 202 || got.Data.Accepted != 2 {
		t.Fatalf("response = %d %s, want 2 events accepted: %v", response.Status, response.Body, err)
	}
	for _, item := range got.Data.Items {
		switch refused := strings.HasPrefix(item.ID, "deep"); {
		case refused != (item.Error != nil):
			t.Errorf("event %s: error = %v", item.ID, item.Error)
		case refused && (item.Error.Code != 40002 || item.Error.Data.Errors[0].Field != "data" || !strings.Contains(item.Error.Data.Errors[0].Message, "100")):
			t.Errorf("event %s: error = %+v, want one that names data and the limit", item.ID, *item.Error)
		}
	}
	want := []string{
		`{"via":"http","id":"most","type":"alert.resolved","tenant_id":"demo","data":` + nested(event.MaxDepth) + `}`,
		`{"via":"http","id":"flat","type":"alert.resolved","tenant_id":"demo","data":[]}`,
	}
	if diff := cmp.Diff(want, b.queued(t), cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
}
