package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"webhooks/shared/apperr"
)

// members returns unknown members that fill about size bytes, each with a name of some
// copies of text.
func members(text string, copies, size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		name, _ := json.Marshal(fmt.Sprintf("%s%d", strings.Repeat(text, copies), i)) // a string always encodes
		fmt.Fprintf(&b, `,%s:0`, name)
	}
	return b.String()
}

// conflicts returns n events with one id, each with a comma.
func conflicts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%s","type":"alert.resolved","data":%d},`, strings.Repeat("x", 64), i)
	}
	return b.String()
}

// TestWorstRequestsGetShortAnswers sends the largest requests with as many faults as
// they can hold. cloudtest fails the test for an answer that Lambda would not send.
func TestWorstRequestsGetShortAnswers(t *testing.T) {
	t.Parallel()
	const full = maxBody - 1000
	tests := map[string]string{
		"short names":                 `{"type":"x"` + members("", 0, full) + `}`,
		"one long name":               `{"type":"x","` + strings.Repeat("n", full) + `":0}`,
		"names of control characters": `{"type":"x"` + members("\x01", 60, full) + `}`,
		"names of quotation marks":    `{"type":"x"` + members(`"`, 200, full) + `}`,
		"names of line separators":    `{"type":"x"` + members("\u2028", 100, full) + `}`,
		"an id of quotation marks":    `{"id":"` + strings.Repeat(`\"`, full/2) + `"}`,
		"a type of backslashes":       `{"type":"` + strings.Repeat(`\\`, full/2) + `"}`,
		"a duplicate of a long name":  `{"` + strings.Repeat("n", full/2) + `":0,"` + strings.Repeat("n", full/2) + `":0}`,
		"members beside the events":   `{"events":[{}]` + members("", 0, full) + `}`,
		"half a million events":       `{"events":[0` + strings.Repeat(",0", full/2-20) + `]}`,
		"100 events with members":     `{"events":[` + strings.Repeat(`{"id":"?"`+members(`"\`, 100, full/100-300)+`},`, 99) + `{}]}`,
		"100 events with short names": `{"events":[` + strings.Repeat(`{"id":"?"`+members("", 0, full/100-300)+`},`, 99) + `{}]}`,
		"100 events with long ids":    `{"events":[` + strings.Repeat(`{"id":"`+strings.Repeat(`\"`, full/200-100)+`"},`, 99) + `{}]}`,
		"100 events of one name":      `{"events":[` + strings.Repeat(`{"`+strings.Repeat("\u2028", full/300-100)+`":0},`, 99) + `{}]}`,
		"99 conflicts":                `{"events":[` + conflicts(99) + `{"id":"x","type":"alert.resolved","data":0}]}`,
	}
	for name, body := range tests {
		for _, language := range []string{"zh", "en"} {
			t.Run(name+" "+language, func(t *testing.T) {
				t.Parallel()
				if len(body) > maxBody {
					t.Fatalf("the request has %d bytes, more than %d", len(body), maxBody)
				}
				b := setup(t)
				b.request.Headers["accept-language"] = language
				response := b.publish(t, body)
				if response.Status != 400 && response.Status != 202 {
					t.Errorf("response = %d %.300s, want 400 or 202", response.Status, response.Body)
				}
				if named := strings.Count(response.Body, `"field":`); named > 100*apperr.MaxFields {
					t.Errorf("the answer names %d fields", named)
				}
				if limit := 2 << 20; len(response.Body) > limit {
					t.Errorf("the answer has %d bytes, want at most %d", len(response.Body), limit)
				}
			})
		}
	}
}
