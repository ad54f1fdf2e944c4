package cost_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// usage counts billed units by name, such as "LogsTable write units".
type usage map[string]float64

// meter is a proxy between a function and the local cloud. It forwards every request
// and counts what AWS would bill for it.
type meter struct {
	t     testing.TB
	stack *lambdatest.Stack
	cloud string // address of the local cloud
	url   string // address of the meter

	mu   sync.Mutex
	used usage
	kept int                 // bytes by which the tables have grown
	keys map[string][]string // names of the key attributes, by table
}

func newMeter(t testing.TB, stack *lambdatest.Stack) *meter {
	t.Helper()
	m := &meter{t: t, stack: stack, cloud: cloudtest.Stack(t).EndpointURL, used: make(usage), keys: make(map[string][]string)}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// count adds n units.
func (m *meter) count(what string, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used[what] += n
}

// total returns the units since the last call.
func (m *meter) total() usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	m.used = make(usage)
	return used
}

// ServeHTTP forwards a request and counts it.
func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Errorf("read a request: %v", err)
		return
	}
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var settle func(answer []byte)
	switch service {
	case "DynamoDB_20120810":
		settle = m.dynamodb(r.Header, operation, body)
	case "AmazonSQS":
		settle = m.sqs(operation, body)
	case "TrentService": // KMS
		m.count(kmsCalls, 1)
	default:
		m.t.Errorf("the meter does not know the service of %q; add its cost", r.Header.Get("X-Amz-Target"))
	}
	answer, header, status := m.forward(r.Header, body)
	if settle != nil && status == http.StatusOK {
		settle(answer)
	}
	for name := range header {
		w.Header().Set(name, header.Get(name))
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) // the test notices a function that has ended
}

func (m *meter) forward(header http.Header, body []byte) ([]byte, http.Header, int) {
	request, err := http.NewRequest(http.MethodPost, m.cloud+"/", bytes.NewReader(body))
	if err != nil {
		m.t.Errorf("forward a request: %v", err)
		return nil, nil, http.StatusBadGateway
	}
	request.Header = header.Clone()
	request.Header.Del("Accept-Encoding") // then the transport adds its own and decompresses
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		m.t.Errorf("forward a request: %v", err)
		return nil, nil, http.StatusBadGateway
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		m.t.Errorf("read an answer: %v", err)
	}
	return answer, response.Header, response.StatusCode
}

// ask sends the meter's own request with the credentials in header. It is not
// counted.
func (m *meter) ask(header http.Header, operation string, input, output any) {
	body, err := json.Marshal(input)
	if err != nil {
		m.t.Errorf("encode %s: %v", operation, err)
		return
	}
	own := header.Clone()
	own.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	for _, name := range []string{"Content-Length", "X-Amz-Content-Sha256"} {
		own.Del(name)
	}
	answer, _, status := m.forward(own, body)
	if status != http.StatusOK {
		m.t.Errorf("%s answered %d: %s", operation, status, answer)
		return
	}
	m.decode(answer, output)
}

func (m *meter) decode(text []byte, value any) {
	if err := json.Unmarshal(text, value); err != nil {
		m.t.Errorf("read %.200s: %v", text, err)
	}
}
