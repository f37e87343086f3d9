"""Receives tidecast's decisions, checks who sent them, and keeps to the newest. Standard library only.

python3 examples/webhook_receiver.py 8092 webhook.key
GET /fleet tells tidecast what stands; POST /decisions is where decisions go.
"""
import hashlib
import hmac
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, KEY_FILE = int(sys.argv[1]), sys.argv[2]
KEY = open(KEY_FILE, "rb").read().rstrip(b"\r\n")
OLD_S = 300
fleet = {"ordered": 2, "serving": 2, "complete": True}
done = {"turn": 0}
lock = threading.Lock()


def sound(headers, body):
    """Whether the message comes from who has the key, and not from who has recorded it: else why not."""
    at, signature = headers.get("Tidecast-Timestamp", ""), headers.get("Tidecast-Signature", "")
    if not at.isdigit() or abs(time.time() - int(at)) > OLD_S:
        return "the message is too old, or our clock is wrong"
    expected = "v1=" + hmac.new(KEY, at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(expected, signature) else "the signature is wrong"


def carry_out(decision):
    """The one place that changes anything. Commands say where to arrive, so that twice is no more than once."""
    for command in decision["commands"]:
        if command["do"] == "grow":
            fleet["ordered"] = max(fleet["ordered"], command["to"])
        elif command["do"] == "shrink":
            fleet["ordered"] = min(fleet["ordered"], command["to"])
    fleet["serving"] = fleet["ordered"]


class Receiver(BaseHTTPRequestHandler):
    def do_GET(self):
        why = sound(self.headers, b"")
        self.answer(401, {"why": why}) if why else self.answer(200, fleet)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        why = sound(self.headers, body)
        if why:
            return self.answer(401, {"why": why})
        decision = json.loads(body)
        with lock:
            if decision["turn"] < done["turn"]:
                return self.answer(409, done)
            if decision["turn"] > done["turn"]:
                carry_out(decision)
                done["turn"] = decision["turn"]
                print(json.dumps({"key": self.headers["Idempotency-Key"], "decision": decision}), flush=True)
        self.answer(200, fleet)

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
print("listening", flush=True)
server.serve_forever()
