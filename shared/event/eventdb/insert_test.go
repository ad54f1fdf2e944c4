package eventdb_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/faulttest"
)

func TestCreateMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	again, taken := newEvent(t, "acme", "again", `1`), newEvent(t, "acme", "taken", `1`)
	b.store(t, again, 7)
	b.store(t, taken, 7)
	// This row expires exactly now.
	expired := newEvent(t, "acme", "expired", `1`)
	if err := b.Store.Create(t.Context(), expired, nil, now.Add(-retention)); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		e        event.Event
		webhooks []int64
		err      error
		matched  []string // of the row in the table afterwards
	}{
		{e: newEvent(t, "acme", "new", `1`), webhooks: []int64{1, 2}, matched: []string{"1", "2"}},
		{e: again, webhooks: []int64{1}, matched: []string{"7"}},
		{e: newEvent(t, "acme", "taken", `2`), webhooks: []int64{1}, err: eventdb.ErrConflict, matched: []string{"7"}},
		{e: newEvent(t, "acme", "expired", `2`), webhooks: []int64{3}, matched: []string{"3"}},
		{e: newEvent(t, "acme", "unwanted", `1`)},
		{e: newEvent(t, "globex", "taken", `2`), webhooks: []int64{4}, matched: []string{"4"}},
		{e: newEvent(t, "acme", "compressed", compressible(4<<10)), webhooks: []int64{1}, matched: []string{"1"}},
	}
	var list []eventdb.Matched
	for _, c := range cases {
		list = append(list, eventdb.Matched{Event: c.e, Webhooks: c.webhooks})
	}
	got, refused := b.CreateMany(t.Context(), list, now)
	if len(got) != len(cases) || refused != nil {
		t.Fatalf("%d results for %d events, %v", len(got), len(cases), refused)
	}
	for i, c := range cases {
		row := b.item(t, c.e.TenantID+"#"+c.e.ID)
		if diff := cmp.Diff(c.matched, matched(row)); !errors.Is(got[i], c.err) || diff != "" {
			t.Errorf("%s: %v, want %v; webhooks (-want +got):\n%s", c.e.ID, got[i], c.err, diff)
		}
		if c.err == nil {
			b.wantBody(t, c.e)
		}
	}
}

// Create and CreateMany must write the same row.
func TestCreateManyWritesTheRowOfCreate(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"small": `1`, "deflated": compressible(4 << 10), "body in its own row": compressible(eventdb.InlineBody)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, all := setup(t), setup(t)
			e := newEvent(t, "acme", "e1", data)
			one.store(t, e, 1, 2)
			all.createMany(t, []eventdb.Matched{{Event: e, Webhooks: []int64{1, 2}}})
			rows := []map[string]types.AttributeValue{one.item(t, "acme#e1"), all.item(t, "acme#e1")}
			for _, row := range rows {
				if !slices.Equal(matched(row), []string{"1", "2"}) {
					t.Errorf("webhooks = %v", matched(row))
				}
				delete(row, "webhooks") // a set has no order
			}
			if diff := cmp.Diff(rows[0], rows[1], cmp.AllowUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberB{}, types.AttributeValueMemberN{}, types.AttributeValueMemberBOOL{})); diff != "" {
				t.Errorf("row (-Create +CreateMany):\n%s", diff)
			}
		})
	}
}

// createMany stores list, and fails the test on any error.
func (b bundle) createMany(t *testing.T, list []eventdb.Matched) {
	t.Helper()
	results, refused := b.CreateMany(t.Context(), list, now)
	if err := errors.Join(append(results, refused)...); err != nil {
		t.Fatal(err)
	}
}

func several(t *testing.T, n int) []eventdb.Matched {
	t.Helper()
	var list []eventdb.Matched
	for i := range n {
		list = append(list, eventdb.Matched{Event: newEvent(t, "acme", fmt.Sprint("e", i), `1`)})
	}
	return list
}

// A request holds at most 25 statements.
func TestCreateManySplits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var sizes []int
	faulttest.On(b.faults, func(in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
		sizes = append(sizes, len(in.Statements))
		return nil, nil
	})
	b.faults.Fail("PutItem", errors.New("an event was stored alone"))
	list := several(t, 53)
	b.createMany(t, list)
	if diff := cmp.Diff([]int{25, 25, 3}, sizes); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	var keys []event.Key
	for _, m := range list {
		keys = append(keys, m.Event.Key())
	}
	if known, failed := b.GetHashes(t.Context(), keys, now); len(failed) > 0 || len(known) != len(list) {
		t.Errorf("%d hashes, %v, want %d", len(known), failed, len(list))
	}
}

func TestCreateManyOfNothingSendsNoRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, refused := b.CreateMany(t.Context(), nil, now)
	if requests := b.faults.Calls("BatchExecuteStatement"); len(got) != 0 || refused != nil || requests != 0 {
		t.Errorf("results = %v, %v after %d requests", got, refused, requests)
	}
}

// A successful request may hold failed statements, which the SDK does not retry.
func TestCreateManyRetriesFailedStatements(t *testing.T) {
	t.Parallel()
	for name, response := range map[string][]types.BatchStatementResponse{
		"throttled":   {{Error: &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumThrottlingError}}},
		"no response": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			faulttest.On(b.faults, func(in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
				in.Statements = in.Statements[:2]
				out, err := b.client.BatchExecuteStatement(t.Context(), in)
				if err == nil {
					out.Responses = append(out.Responses, response...)
				}
				return out, err
			})
			list := several(t, 3)
			b.createMany(t, list)
			for _, m := range list {
				b.wantBody(t, m.Event)
			}
		})
	}
}

func TestCreateManyReturnsErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	list := several(t, 2)
	b.store(t, list[1].Event)
	b.faults.Fail("PutItem", down)
	// The second event is already stored, and its conditional write fails.
	got, refused := b.CreateMany(t.Context(), list, now)
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], down) || refused != nil {
		t.Errorf("results = %v, %v, want an error for the second only", got, refused)
	}
	for _, away := range []error{down, &types.ThrottlingException{}, &types.InternalServerError{}} {
		b.faults.Fail("BatchExecuteStatement", away)
		b.faults.Fail("PutItem", errors.New("an event was stored alone"))
		got, refused := b.CreateMany(t.Context(), list, now.Add(time.Second))
		for i, err := range got {
			if !errors.Is(err, away) || errors.Is(err, eventdb.ErrConflict) {
				t.Errorf("result %d = %v", i, err)
			}
		}
		if len(got) != 2 || refused != nil {
			t.Errorf("%d results, %v", len(got), refused)
		}
	}
}

// Without the permission for PartiQL, or if DynamoDB refuses the statements, every
// event is stored on its own and the caller learns why.
func TestCreateManyWithoutTheBatch(t *testing.T) {
	t.Parallel()
	denied := faulttest.Answer(400, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized"})
	failure := types.BatchStatementResponse{Error: &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumAccessDenied}}
	for name, tt := range map[string]struct {
		out *dynamodb.BatchExecuteStatementOutput
		err error
	}{
		"the request refused":   {err: denied},
		"each statement failed": {out: &dynamodb.BatchExecuteStatementOutput{Responses: slices.Repeat([]types.BatchStatementResponse{failure}, 3)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			faulttest.On(b.faults, func(*dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
				return tt.out, tt.err
			})
			list := several(t, 3)
			results, refused := b.CreateMany(t.Context(), list, now)
			if err := errors.Join(results...); err != nil || refused == nil || !strings.Contains(refused.Error(), "AccessDenied") {
				t.Errorf("results %v, refused %v", err, refused)
			}
			for _, m := range list {
				b.wantBody(t, m.Event)
			}
		})
	}
}
