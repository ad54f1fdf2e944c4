package deadletter_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"webhooks/shared/deadletter"
)

func TestSubjectOfAnyBody(t *testing.T) {
	t.Parallel()
	type sub = deadletter.Subject
	all := sub{TenantID: "acme", EventID: "e1", EventType: "alert.resolved"}
	const members = `"id":"e1","type":"alert.resolved","tenant_id":"acme"`
	for name, tt := range map[string]struct {
		body string
		want sub
	}{
		"an event":                            {`{` + members + `,"data":1}`, all},
		"members in another order":            {`{"data":{"id":"x"},"tenant_id":"acme","type":"alert.resolved","id":"e1"}`, all},
		"an envelope":                         {`{"id":"e1","detail-type":"alert.resolved","detail":{"a":{"tenant_id":"x"},"tenant_id":"acme"}}`, all},
		"a delivery":                          {`{"kind":"delivery","format":1,"tenant_id":"acme","webhook_ids":[1],"event_id":"e1","type":"alert.resolved"}`, all},
		"a member twice":                      {`{` + members + `,"id":"e2","data":1,"data":2}`, all},
		"two values":                          {`{` + members + `}{"id":"e2"}`, all},
		"the end is missing":                  {`{` + members + `,"data":{"a":[1,`, all},
		"deep data after the members":         {`{` + members + `,"data":` + strings.Repeat("[", 300_000), all},
		"deep data before a member":           {`{"id":"e1","data":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `,"tenant_id":"acme","type":"alert.resolved"}`, all},
		"invalid UTF-8 in the data":           {`{"data":"` + "\xff" + `",` + members + `}`, all},
		"an invalid id":                       {`{"id":"evt.12","tenant_id":"a b#1","type":"x"}`, sub{"a?b#1", "evt.12", "x"}},
		"no strings":                          {`{"id":1,"tenant_id":null,"type":["x"]}`, sub{}},
		"a detail that is no object":          {`{"id":"e1","detail":"x","tenant_id":"acme"}`, sub{"acme", "e1", ""}},
		"control characters and line breaks":  {`{"id":"a\nb\u0000c\u202ed\u2028e"}`, sub{EventID: "a?b?c?d?e"}},
		"words of a crash":                    {`{"type":"Task timed out"}`, sub{EventType: "Task?timed?out"}},
		"Chinese":                             {`{"type":"环境.创建"}`, sub{EventType: "环境.创建"}},
		"a long id":                           {`{"id":"` + strings.Repeat("好", 1000) + `"}`, sub{EventID: strings.Repeat("好", 64) + "…"}},
		"an array":                            {`[{` + members + `}]`, sub{}},
		"null":                                {`null`, sub{}},
		"text":                                {`hello`, sub{}},
		"nothing":                             {``, sub{}},
		"1 MiB of text":                       {strings.Repeat("x", 1<<20), sub{}},
		"a name in another case is not taken": {`{"ID":"e1","Tenant_ID":"acme"}`, sub{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := deadletter.SubjectOf(tt.body); got != tt.want {
				t.Errorf("SubjectOf(%.200s) = %+v, want %+v", tt.body, got, tt.want)
			}
		})
	}
}

// FuzzSubjectOf checks that whatever a message says is bounded and cannot forge a log
// line.
func FuzzSubjectOf(f *testing.F) {
	f.Add(`{"id":"e1","type":"alert.resolved","tenant_id":"acme","data":1}`)
	f.Add(`{"id":"a\n{\"level\":\"ERROR\"}","detail":{"tenant_id":"\u0007"},"detail-type":"Runtime exited"}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := deadletter.SubjectOf(body)
		for _, value := range []string{s.TenantID, s.EventID, s.EventType} {
			if utf8.RuneCountInString(value) > 65 || !utf8.ValidString(value) || strings.ContainsAny(value, " \t\n\r\"{}\x00\x7f\u2028\ufffd") {
				t.Errorf("%q names %q", body, value)
			}
		}
	})
}
