"""A receiver that verifies each request and handles each event once."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

secret = os.environ["WEBHOOK_SECRET"]
# A secret that begins with whsec_ is decoded; any other is used as it is, as bytes.
verifier = Webhook(secret if secret.startswith("whsec_") else secret.encode())
handled = set()  # in production: a table of event ids


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["content-length"]), 1 << 20))
        try:
            event = verifier.verify(body, self.headers)
        except WebhookVerificationError:
            self.respond(401)
            return
        if self.headers["webhook-id"] not in handled:
            handled.add(self.headers["webhook-id"])
            print("event", event, flush=True)
        self.respond(204)

    def respond(self, status):
        self.send_response(status)
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}/webhook", flush=True)
server.serve_forever()
