"""A foreign model in thirty lines: the same time last week, at the level of the last day. Standard library only.

python3 examples/foreign_model.py 8091 &
tidecast forecast requests.csv --model http://127.0.0.1:8091
"""
import json
import sys
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer


def predict(asked):
    step, now = asked["stepSeconds"], datetime.fromisoformat(asked["now"])
    known = {datetime.fromisoformat(f["ts"]): f["value"] for f in asked["features"]}
    mean = lambda days: [v for t, v in known.items() if timedelta(days[0]) < now - t <= timedelta(days[1])]
    day, week_ago = mean((0, 1)), mean((7, 8))
    level = sum(day) / sum(week_ago) * len(week_ago) / len(day) if day and sum(week_ago) else 1.0
    usual = sum(known.values()) / max(len(known), 1)
    times = [now + timedelta(seconds=step * i) for i in range(asked["horizonSeconds"] // step)]
    return [level * known.get(t - timedelta(7), known.get(t - timedelta(1), usual)) for t in times]


class Model(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"metric": "demand", "values": predict(asked)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Model)
print("listening", flush=True)
server.serve_forever()
