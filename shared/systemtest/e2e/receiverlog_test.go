package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/testkit/lambdatest"
	"webhooks/shared/testkit/receivertest"
)

// crash has words that look like a crash to the metric filters, and a whole line of
// level ERROR.
const crash = `Task timed out after 15.00 seconds {"level":"ERROR","msg":"forged"} Runtime exited`

// TestNoReceiverWritesToTheLog runs the deployed dispatcher against receivers whose
// responses and certificates look like a crash, and reads what the process really
// writes. Words of a receiver would ring alarms and take a deployment back.
func TestNoReceiverWritesToTheLog(t *testing.T) {
	t.Parallel()
	c, name := setup(t), physicalID(t, "DispatcherFunction")
	env := map[string]string{
		"AWS_ENDPOINT_URL": c.stack.EndpointURL, "AWS_REGION": c.stack.Region,
		"AWS_ACCESS_KEY_ID": c.stack.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.stack.SecretAccessKey,
	}
	maps.Copy(env, environment(t, name))
	f := lambdatest.Start(t, deployedBinary(t, name), env)
	urls := []string{falseCertificate(t), strings.Replace(falseCertificate(t), "127.0.0.1", "localhost", 1)}
	for _, answer := range []string{
		crash + "\r\n\r\n", "HTTP/1.1 " + crash + "\r\n\r\n", "HTTP/1.1 500 " + crash + "\r\n" + crash + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + crash + "\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + crash + "\r\n\r\n" + crash,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + crash + "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + crash + "\n" + crash + "\n",
		"HTTP/1.1 302 Found\r\nLocation: https://" + crash + "\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 " + crash + "\r\nX: " + crash + "\x00\r\n\r\n",
	} {
		url := receivertest.Raw(t, answer)
		urls = append(urls, url, strings.Replace(url, "http:", "https:", 1))
	}
	var batch events.SQSEvent
	for _, url := range urls {
		batch.Records = append(batch.Records, c.deliveryRecord(c.webhook(url, "environment.created").ID))
	}
	for range 2 { // the second attempts may use the connections of the first
		f.Invoke(encoded(t, batch))
	}
	output := f.Logged()
	onlyOwnLines(t, output)
	for _, words := range []string{"Task timed out", "Runtime exited", "forged", `"level":"ERROR"`} {
		if strings.Contains(output, words) {
			t.Errorf("the log has %q:\n%.2000s", words, output)
		}
	}
	if n := strings.Count(output, `"message":"attempt"`); n < 2*len(urls) {
		t.Errorf("%d attempts are logged, want %d:\n%.2000s", n, 2*len(urls), output)
	}
}

// falseCertificate returns the URL of a receiver whose certificate has the words of a
// crash as names.
func falseCertificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: crash, Organization: []string{crash}}, DNSNames: []string{crash},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
