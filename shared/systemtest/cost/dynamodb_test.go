package cost_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// request has the fields of DynamoDB requests that the meter reads. Some operations
// name one table, others several.
type request struct {
	TableName            string
	Item, Key            item
	ConsistentRead       bool
	ProjectionExpression string
	RequestItems         map[string]tableRequest
	Statements           []statement
}

// statement is one statement of a BatchExecuteStatement.
type statement struct {
	Statement  string
	Parameters []json.RawMessage
}

var (
	insertion = regexp.MustCompile(`^INSERT INTO "([^"]+)" VALUE \{(.*)\}$`)
	attribute = regexp.MustCompile(`'([^']+)':\?`)
	// update has the table, the assignments and the names of the key.
	update = regexp.MustCompile(`^UPDATE "([^"]+)" SET (.*) WHERE (\w+)=\? AND (\w+)=\? RETURNING MODIFIED NEW \*$`)
)

// key identifies one item.
type key struct {
	table string
	names item
}

// dynamodb returns a function that counts the request when it has succeeded. For a
// write, it first reads the current size of the items.
func (m *meter) dynamodb(header http.Header, operation string, body []byte) func([]byte) {
	var in request
	m.decode(body, &in)
	switch operation {
	case "GetItem":
		return func([]byte) { m.countRead(header, key{in.TableName, in.Key}, in.ConsistentRead) }
	case "BatchGetItem":
		return func([]byte) {
			for table, asked := range in.RequestItems {
				for _, names := range asked.Keys {
					m.countRead(header, key{table, names}, asked.ConsistentRead)
				}
			}
		}
	case "Query":
		return func(answer []byte) { m.countQuery(in, answer) }
	case "PutItem":
		return m.write(header, []key{{in.TableName, m.keyOf(header, in.TableName, in.Item)}})
	case "UpdateItem", "DeleteItem":
		return m.write(header, []key{{in.TableName, in.Key}})
	case "BatchWriteItem":
		var keys []key
		for table, asked := range in.RequestItems {
			for _, w := range asked.Writes {
				if w.PutRequest.Item != nil {
					w.DeleteRequest.Key = m.keyOf(header, table, w.PutRequest.Item)
				}
				keys = append(keys, key{table, w.DeleteRequest.Key})
			}
		}
		return m.write(header, keys)
	case "BatchExecuteStatement":
		var keys []key
		for _, s := range in.Statements {
			if parts := update.FindStringSubmatch(s.Statement); parts != nil {
				keys = append(keys, m.updatedKey(s, parts))
				continue
			}
			keys = append(keys, m.insertedKey(header, s))
		}
		return m.write(header, keys)
	}
	m.t.Errorf("the meter does not know %s; add its cost", operation)
	return nil
}

// updatedKey returns the key of the item that s updates.
func (m *meter) updatedKey(s statement, parts []string) key {
	last := len(s.Parameters) - 1
	if strings.Count(s.Statement, "?") != last+1 {
		m.t.Errorf("the statement %s has %d parameters", s.Statement, last+1)
		return key{}
	}
	text, err := json.Marshal(map[string]json.RawMessage{parts[3]: s.Parameters[last-1], parts[4]: s.Parameters[last]})
	if err != nil {
		m.t.Error(err)
	}
	k := key{table: parts[1]}
	m.decode(text, &k.names)
	return k
}

// insertedKey returns the key of the item that s inserts.
func (m *meter) insertedKey(header http.Header, s statement) key {
	parts := insertion.FindStringSubmatch(s.Statement)
	if parts == nil {
		m.t.Errorf("the meter does not know the statement %s; add its cost", s.Statement)
		return key{}
	}
	inserted := make(map[string]json.RawMessage)
	for i, name := range attribute.FindAllStringSubmatch(parts[2], -1) {
		inserted[name[1]] = s.Parameters[i]
	}
	text, err := json.Marshal(inserted)
	if err != nil {
		m.t.Error(err)
	}
	var it item
	m.decode(text, &it)
	return key{parts[1], m.keyOf(header, parts[1], it)}
}

// countRead counts a read of one item. A projection does not reduce the cost.
func (m *meter) countRead(header http.Header, k key, consistent bool) {
	m.count(m.stack.LogicalID(k.table)+" read units", readUnits(m.look(header, k), consistent))
}

// countQuery counts a query by the size of the items that it found.
func (m *meter) countQuery(in request, answer []byte) {
	if in.ProjectionExpression != "" {
		m.t.Error("the meter cannot see the size of the items of a query with a projection")
	}
	var out struct{ Items []item }
	m.decode(answer, &out)
	size := 0
	for _, it := range out.Items {
		size += it.size()
	}
	m.count(m.stack.LogicalID(in.TableName)+" read units", readUnits(size, in.ConsistentRead))
}

// write counts the writes of keys. DynamoDB bills the larger of the item before and
// after the write.
func (m *meter) write(header http.Header, keys []key) func([]byte) {
	before := make([]int, len(keys))
	for i, k := range keys {
		before[i] = m.look(header, k)
	}
	return func([]byte) {
		for i, k := range keys {
			after := m.look(header, k)
			m.count(m.stack.LogicalID(k.table)+" write units", writeUnits(max(before[i], after)))
			m.mu.Lock()
			m.kept += after - before[i]
			m.mu.Unlock()
		}
	}
}

// look returns the current size of an item, 0 without one.
func (m *meter) look(header http.Header, k key) int {
	var out struct{ Item item }
	m.ask(header, "GetItem", map[string]any{"TableName": k.table, "Key": k.names, "ConsistentRead": true}, &out)
	return out.Item.size()
}

// keyOf returns the key attributes of an item.
func (m *meter) keyOf(header http.Header, table string, it item) item {
	names := make(item)
	for _, name := range m.keyNames(header, table) {
		names[name] = it[name]
	}
	return names
}

func (m *meter) keyNames(header http.Header, table string) []string {
	m.mu.Lock()
	known := m.keys[table]
	m.mu.Unlock()
	if known != nil {
		return known
	}
	var out struct {
		Table struct {
			KeySchema []struct{ AttributeName string }
		}
	}
	m.ask(header, "DescribeTable", map[string]any{"TableName": table}, &out)
	for _, k := range out.Table.KeySchema {
		known = append(known, k.AttributeName)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[table] = known
	return known
}

// tableRequest is the part of a batch for one table: an object with keys to read,
// or a list of writes.
type tableRequest struct {
	Keys           []item
	ConsistentRead bool
	Writes         []write
}

type write struct {
	PutRequest    struct{ Item item }
	DeleteRequest struct{ Key item }
}

// UnmarshalJSON reads both forms.
func (r *tableRequest) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, &r.Writes)
	}
	type reads tableRequest // without this method
	return json.Unmarshal(text, (*reads)(r))
}
