#!/usr/bin/env python3
"""make bench-service: how the service bears its load, written to docs/benchmarks/service.md.

    scripts/bench_service.py --binary BIN [--workloads N] [--minutes M] [--kills K] [--out FILE]

A made source (a small HTTP server in a process of its own, which speaks Prometheus' API) answers for all workloads; it uses
the same processors as the service. Everything is measured from outside: /proc, /metrics, the API. Needs wrk.
"""
import argparse
import asyncio
import http.client
import json
import math
import multiprocessing
import os
import random
import re
import signal
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

DAY = [f"{400 - 300 * math.cos(minute / 1440 * 2 * math.pi):.3f}" for minute in range(1440)]


class Source(asyncio.Protocol):
    """Answers query_range with a daily wave and query with a full count."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            url = urllib.parse.urlsplit(head.split(b" ", 2)[1].decode())
            asked = dict(urllib.parse.parse_qsl(url.query))
            body = (series(asked) if url.path.endswith("query_range") else count()).encode()
            length = str(len(body)).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + length + b"\r\n\r\n" + body)


def series(asked):
    start, end, step = (int(float(asked[name])) for name in ("start", "end", "step"))
    points = ",".join(f'[{t},"{DAY[t // 60 % 1440]}"]' for t in range(start, end + 1, step))
    return '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[' + points + "]}]}}"


def count():
    now = int(time.time())
    values = {"targets": 4, "series": 4, "samples": 80, "newest": now}
    rows = ",".join(f'{{"metric":{{"tidecast":"{k}"}},"value":[{now},"{v}"]}}' for k, v in values.items())
    return '{"status":"success","data":{"resultType":"vector","result":[' + rows + "]}}"


def serve_source(port):
    async def serve():
        server = await asyncio.get_running_loop().create_server(Source, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


class Service:
    def __init__(self, binary, folder, workloads, source, port, turn="30s"):
        self.binary, self.folder, self.port, self.process = binary, Path(folder), port, None
        made = subprocess.run([binary, "token", "bench", "--role", "operator", "-o", "json"], check=True, capture_output=True)
        made = json.loads(made.stdout)
        self.token = made["token"]
        (self.folder / "tokens").write_text(made["line"] + "\n")
        lines = [
            f"server: {{ listen: 127.0.0.1:{port}, turnEvery: {turn}, auth: {{ tokenFile: tokens }} }}",
            "store: { history: 28d }",
            f"sources: {{ main: {{ type: prometheus, url: 'http://127.0.0.1:{source}' }} }}",
            "workloads:",
        ]
        for i in range(workloads):
            lines.append(
                f"- {{ name: w{i}, target: {{ type: none }}, demand: {{ source: main, query: 'demand{{w=\"{i}\"}}', step: 5m }}, "
                "capacity: { perReplica: 40 }, startTime: 4m, maxReplicas: 100 }"
            )
        (self.folder / "tidecast.yaml").write_text("\n".join(lines) + "\n")

    def start(self):
        log = open(self.folder / "log", "a")
        begin = time.monotonic()
        self.process = subprocess.Popen([self.binary, "run", "--log-level", "warn"], cwd=self.folder, stdout=log, stderr=log)
        while self.get("/readyz")[0] != 200:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)
        return time.monotonic() - begin

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, body=json.dumps(body) if body else None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def metrics(self):
        found = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def memory(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        rss, peak = (int(re.search(rf"{key}:\s+(\d+)", text)[1]) / 1024 for key in ("VmRSS", "VmHWM"))
        return rss, peak

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lateness(before, after):
    """The bounds within which half, 99 and 99.9 of 100 turns began."""
    name = "tidecast_turn_lateness_seconds_bucket"
    bucket = {float(re.search(r'le="([^"]+)"', k)[1]): after[k] - before.get(k, 0) for k in after if k.startswith(name)}
    total = max(bucket.values())
    return [min(bound for bound, count in bucket.items() if count >= share * total) for share in (0.5, 0.99, 0.999)], int(total)


def observed(service, seconds):
    before, cpu, begin = service.metrics(), service.cpu(), time.monotonic()
    peak = 0
    while time.monotonic() - begin < seconds:
        time.sleep(5)
        peak = max(peak, service.memory()[0])
    after, spent = service.metrics(), time.monotonic() - begin
    late, turns = lateness(before, after)
    failed = after["tidecast_turns_failed_total"] - before["tidecast_turns_failed_total"]
    return {"late": late, "turns": turns, "failed": int(failed), "rss": peak, "cpu": 100 * (service.cpu() - cpu) / spent}


def ages(service):
    found = sorted(v for k, v in service.metrics().items() if k.startswith("tidecast_forecast_age_seconds"))
    return (len(found), found[len(found) // 2], found[-1]) if found else (0, 0, 0)


def filled(service):
    values = [v for k, v in service.metrics().items() if k.startswith("tidecast_history_filled")]
    return sum(values) / max(len(values), 1)


def wrk(service, path, seconds, rate_goal):
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {service.token}"]
    text = subprocess.run([*command, f"http://127.0.0.1:{service.port}{path}"], check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    p99 = float(p99) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    return {"path": path, "rate": rate, "p99": p99, "errors": int(errors[1]) if errors else 0, "goal": rate_goal}


def kills(binary, source, port, rounds):
    """Kills at random moments while decrees are written; what was acknowledged, and what of it is there afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(binary, folder, 5, source, port, turn="5s")
        service.start()
        acknowledged, turns, lost, backwards, slowest = set(), {}, 0, 0, 0.0
        for _ in range(rounds):
            end = time.monotonic() + random.random() * 0.5
            while time.monotonic() < end:
                until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
                status, text = service.ask("POST", "/api/v1/overrides", {"change": {"floor": 7}, "until": until, "reason": "kill"})
                if status == 201:
                    acknowledged.add(json.loads(text)["id"])
                if len(acknowledged) > 300:
                    ident = acknowledged.pop()
                    service.ask("DELETE", f"/api/v1/overrides/{ident}")
            service.kill()
            slowest = max(slowest, service.start())
            known, after = set(), ""
            while True:
                page = json.loads(service.get(f"/api/v1/overrides?limit=1000&after={after}")[1])
                known |= {item["id"] for item in page["items"]}
                after = page["next"]
                if not after:
                    break
            lost += len(acknowledged - known)
            for item in json.loads(service.get("/api/v1/workloads")[1])["items"]:
                turn = item["turn"] or 0
                backwards += turn < turns.get(item["name"], 0) or (item["size"] or 7) < 7 and bool(acknowledged)
                turns[item["name"]] = turn
        service.kill()
        checked = subprocess.run([binary, "store", "check", f"{folder}/tidecast-data"], capture_output=True).returncode == 0
        return {"rounds": rounds, "kept": len(acknowledged), "lost": lost, "unsafe": backwards, "slowest": slowest, "whole": checked}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--workloads", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--fill-minutes", type=float, default=60)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/service.md"))
    args = parser.parse_args()
    source = 21_000 + random.randrange(1000)
    made = multiprocessing.Process(target=serve_source, args=(source,), daemon=True)
    made.start()
    found = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            found["small"] = small(args, folder, source)
            print(found["small"], flush=True)
        found["kills"] = kills(args.binary, source, source + 1001, args.kills)
        print(found["kills"], flush=True)
        with tempfile.TemporaryDirectory() as folder:
            found |= large(args, folder, source)
    finally:
        made.kill()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(page(args, found))
    print(args.out.read_text())


def small(args, folder, source):
    service = Service(args.binary, folder, 100, source, source + 1000)
    service.start()
    try:
        end = time.monotonic() + 60 * args.fill_minutes
        while (filled(service) < 0.999 or ages(service)[0] < 100) and time.monotonic() < end:
            time.sleep(5)
        time.sleep(60)
        return observed(service, 60 * args.minutes) | {"ages": ages(service)}
    finally:
        service.kill()


def large(args, folder, source):
    service = Service(args.binary, folder, args.workloads, source, source + 1002)
    found = {"first_start": service.start()}
    try:
        begin = time.monotonic()
        while filled(service) < 0.999 and time.monotonic() - begin < 60 * args.fill_minutes:
            time.sleep(15)
            print(f"filled {filled(service):.3f}, forecasts {ages(service)}, rss {service.memory()[0]:.0f} MiB", flush=True)
        found["fill"], found["filled"] = time.monotonic() - begin, filled(service)
        while ages(service)[0] < args.workloads and time.monotonic() - begin < 60 * args.fill_minutes:
            time.sleep(15)
            print(f"forecasts {ages(service)}, rss {service.memory()[0]:.0f} MiB", flush=True)
        found["busy"] = observed(service, 60 * args.minutes)
        found["ages"] = ages(service)
        print(found, flush=True)
        paths = [("/api/v1/workloads/w7", 2000), ("/api/v1/workloads/w7/plan", 2000), ("/api/v1/workloads?limit=100", None)]
        before = service.metrics()
        found["api"] = [wrk(service, path, 20, goal) for path, goal in paths]
        found["late_under_api"] = lateness(before, service.metrics())
        print(found["api"], flush=True)
        service.kill()
        found["restart"] = service.start()
        found["peak"] = service.memory()[1]
        found["disk"] = sum(f.stat().st_size for f in Path(folder, "tidecast-data").iterdir()) / 2**20
    finally:
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
    return found


def page(args, found):
    small, busy, kill = found["small"], found["busy"], found["kills"]
    bound = lambda seconds: f"≤ {1000 * seconds:.0f} ms" if seconds < 1 else f"≤ {seconds:.0f} s"
    machine = subprocess.run("nproc; uname -sm", shell=True, capture_output=True, text=True).stdout.split("\n")
    load = os.getloadavg()
    rows = [
        ("100 workloads: memory", f"{small['rss']:.0f} MiB", "64 MiB"),
        ("100 workloads: processor", f"{small['cpu']:.1f} % of a core", "2 %"),
        (f"{args.workloads} workloads: turns measured", f"{busy['turns']} in {args.minutes:g} min, {busy['failed']} failed", ""),
        ("lateness of turns, p50 / p99 / p99.9", " / ".join(bound(b) for b in busy["late"]), "p99 ≤ 1 s"),
        ("lateness while the API is flooded, p99", bound(found["late_under_api"][0][1]), "≤ 1 s"),
        ("memory", f"{busy['rss']:.0f} MiB", "2,048 MiB"),
        ("processor", f"{busy['cpu']:.0f} % of a core", ""),
        ("forecasts there", f"{found['ages'][0]}, half not older than {found['ages'][1] / 60:.0f} min, all {found['ages'][2] / 60:.0f} min", ""),
        ("history of four weeks collected", f"{100 * found['filled']:.1f} % in {found['fill'] / 60:.1f} min", ""),
        ("store on disk", f"{found['disk']:.0f} MiB", ""),
        ("start with an empty store until all had a turn", f"{found['first_start']:.1f} s", ""),
        ("kill -9 and start until all had a turn", f"{found['restart']:.1f} s", "≤ 15 s"),
    ]
    for api in found["api"]:
        goal = "2,000/s, p99 ≤ 50 ms" if api["goal"] else ""
        rows.append((f"GET `{api['path']}`", f"{api['rate']:.0f}/s, p99 {api['p99']:.1f} ms, {api['errors']} errors", goal))
    rows.append((f"{kill['rounds']} kills at random moments", f"{kill['lost']} acknowledged decrees lost, {kill['unsafe']} unsafe decisions, store {'whole' if kill['whole'] else 'DAMAGED'}, slowest start {kill['slowest']:.1f} s", "0 lost, 0 unsafe"))
    table = "\n".join(f"| {what} | {value} | {goal} |" for what, value, goal in rows)
    return f"""# The service under load

Written by `make bench-service`. Measured from outside on {machine[0]} cores ({machine[1]}), load average at the end
{load[0]:.1f}; the made source and the load generator used the same cores. A turn every 30 s, four weeks of history in steps of five minutes for each
workload, each with forecast and plan of its own. Lateness is known by the bounds of the histogram in `/metrics`.

| what | measured | goal |
|---|---|---|
{table}

With more than 500 workloads no fitted model stays in memory: each forecast begins with a fit, so forecasts come as often as the
processors manage. Decisions do not wait for them. The kills are of the whole service while decrees are written over HTTP; the store alone is killed
by `TIDECAST_TEST_KILLS=1000 cargo test --release -p tidecast --test real kills`.
"""


if __name__ == "__main__":
    main()
