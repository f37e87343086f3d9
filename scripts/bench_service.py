#!/usr/bin/env python3
"""make bench-service: how the service bears its load, written to docs/benchmarks/service.md.

    scripts/bench_service.py --binary BIN [--quick] [--only small,kills,large] [--out FILE]

Three parts, each bounded in time and each told while it runs: a small installation of 100 workloads, kills at random moments,
and 10,000 workloads. What was measured is kept beside the page as JSON, so that a part can be measured again alone.
--quick takes about six minutes, with 1,000 workloads and 30 kills; whoever wants other sizes gives them.

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
            "store: { history: 28d, modelsMax: 24Gi }",
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


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def observed(service, seconds):
    before, cpu, begin = service.metrics(), service.cpu(), time.monotonic()
    memory = []
    while time.monotonic() - begin < seconds:
        time.sleep(5)
        memory.append(service.memory()[0])
    after, spent = service.metrics(), time.monotonic() - begin
    late, turns = lateness(before, after)
    failed = after["tidecast_turns_failed_total"] - before["tidecast_turns_failed_total"]
    return {"late": late, "turns": turns, "failed": int(failed), "rss": max(memory), "usual": sorted(memory)[len(memory) // 2], "cpu": 100 * (service.cpu() - cpu) / spent, "load": os.getloadavg()[1]}


def ages(service):
    found = sorted(v for k, v in service.metrics().items() if k.startswith("tidecast_forecast_age_seconds"))
    return (len(found), found[len(found) // 2], found[-1]) if found else (0, 0, 0)


def filled(service):
    values = [v for k, v in service.metrics().items() if k.startswith("tidecast_history_filled")]
    return sum(values) / max(len(values), 1)


def learned(service):
    """How many workloads have their whole history, and a forecast by the model that was asked for."""
    count, after = 0, ""
    while True:
        page = json.loads(service.get(f"/api/v1/workloads?limit=1000&after={after}")[1])
        for item in page["items"]:
            forecast = item["forecast"] or {"fallback": "none"}
            count += item["filled"] == 1 and forecast["fallback"] is None
        after = page["next"]
        if not after:
            return count


def until(what, minutes, done, every=10):
    """Waits for something, for so many minutes at most; how long it took, none if it did not come."""
    begin = time.monotonic()
    while time.monotonic() - begin < 60 * minutes:
        reached, told = done()
        say(f"{what}: {told}")
        if reached:
            return time.monotonic() - begin
        time.sleep(every)
    return None


def calm(service):
    """Whether nothing is being learned: half a minute with less than a tenth of a core."""
    before = service.cpu()
    time.sleep(30)
    spent = (service.cpu() - before) / 30
    return spent < 0.1, f"{100 * spent:.1f} % of a core"


def wrk(service, path, seconds, rate_goal):
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {service.token}"]
    text = subprocess.run([*command, f"http://127.0.0.1:{service.port}{path}"], check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    p99 = float(p99) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    return {"path": path, "rate": rate, "p99": p99, "errors": int(errors[1]) if errors else 0, "goal": rate_goal}


def kills(args, folder, source):
    """Kills at random moments while decrees are written; what was acknowledged, and what of it is there afterwards."""
    service = Service(args.binary, folder, 5, source, source + 1001, turn="5s")
    service.start()
    acknowledged, turns, lost, backwards, starts, wrote, done = set(), {}, 0, 0, [], 0, 0
    begin = time.monotonic()
    while done < args.kills and time.monotonic() - begin < 60 * args.kill_minutes:
        done += 1
        end = time.monotonic() + random.random() * 0.5
        while time.monotonic() < end:
            ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
            status, text = service.ask("POST", "/api/v1/overrides", {"change": {"floor": 7}, "until": ends, "reason": "kill"})
            if status == 201:
                wrote += 1
                acknowledged.add(json.loads(text)["id"])
            if len(acknowledged) > 300:
                service.ask("DELETE", f"/api/v1/overrides/{acknowledged.pop()}")
        service.kill()
        starts.append(service.start())
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
        if done % 25 == 0:
            say(f"{done} kills: {lost} of {wrote} acknowledged decrees lost, {backwards} unsafe decisions, slowest start {max(starts):.1f} s")
    service.kill()
    checked = subprocess.run([args.binary, "store", "check", f"{folder}/tidecast-data"], capture_output=True).returncode == 0
    starts.sort()
    p99 = starts[min(len(starts) - 1, int(0.99 * len(starts)))]
    return {"rounds": done, "wrote": wrote, "lost": lost, "unsafe": backwards, "slowest": starts[-1], "p99": p99, "whole": checked}


def small(args, folder, source):
    service = Service(args.binary, folder, 100, source, source + 1000)
    service.start()
    try:
        peak = 0

        def done():
            nonlocal peak
            peak = service.memory()[1]
            ready = learned(service)
            return ready == 100, f"{ready} of 100 have learned, {service.memory()[0]:.0f} MiB"

        took, cpu = until("100 workloads", args.settle_minutes, done), service.cpu()
        say("ways to size are being tried on the history: measured when that is over")
        until("100 workloads", args.settle_minutes, lambda: calm(service), every=5)
        steady = observed(service, 60 * args.minutes)
        service.kill()
        again = service.start()
        time.sleep(30)
        warm = learned(service)
        return steady | {"learned": took, "learning_cpu": cpu, "peak": peak, "ages": ages(service), "again": again, "warm": warm}
    finally:
        service.kill()


def large(args, folder, source):
    service = Service(args.binary, folder, args.workloads, source, source + 1002)
    found = {"workloads": args.workloads, "minutes": args.minutes, "first_start": service.start()}
    say(f"{args.workloads} workloads had their first turn after {found['first_start']:.1f} s")
    try:
        def done():
            share = filled(service)
            count, middle, oldest = ages(service)
            told = f"{100 * share:.1f} % of the history, {count} forecasts (half not older than {middle:.0f} s), {service.memory()[0]:.0f} MiB"
            return share >= 0.999 and count >= args.workloads, told

        found["fill"] = until(f"{args.workloads} workloads", args.fill_minutes, done, every=20) or 60 * args.fill_minutes
        found["filled"] = filled(service)
        found["busy"] = observed(service, 60 * args.minutes)
        found["ages"] = ages(service)
        found["learned"] = learned(service)
        say(f"measured: {found['busy']}")
        paths = [("/api/v1/workloads/w7", 2000), ("/api/v1/workloads/w7/plan", 2000), ("/api/v1/workloads?limit=100", 2000)]
        before = service.metrics()
        found["api"] = [wrk(service, path, args.api_seconds, goal) for path, goal in paths]
        found["late_under_api"] = lateness(before, service.metrics())
        found["restarts"] = []
        for _ in range(3):
            service.kill()
            found["restarts"].append(service.start())
            say(f"killed and ready again after {found['restarts'][-1]:.1f} s")
            time.sleep(5)
        found["peak"] = service.memory()[1]
        found["disk"] = sum(f.stat().st_size for f in Path(folder, "tidecast-data").rglob("*") if f.is_file()) / 2**20
    finally:
        service.kill()
    return found


PARTS = {"small": small, "kills": kills, "large": large}


USUAL = {"workloads": 10_000, "minutes": 5, "settle_minutes": 20, "fill_minutes": 40, "kills": 1000, "kill_minutes": 40, "api_seconds": 20}
QUICK = {"workloads": 1_000, "minutes": 1, "settle_minutes": 8, "fill_minutes": 2, "kills": 30, "kill_minutes": 2, "api_seconds": 5}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    for name in USUAL:
        parser.add_argument("--" + name.replace("_", "-"), type=int if name in ("workloads", "kills", "api_seconds") else float)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/service.md"))
    args = parser.parse_args()
    for name, value in (QUICK if args.quick else USUAL).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    source = 21_000 + random.randrange(1000)
    made = multiprocessing.Process(target=serve_source, args=(source,), daemon=True)
    made.start()
    kept = args.out.with_suffix(".json")
    found = json.loads(kept.read_text()) if kept.exists() else {}
    try:
        for part in args.only:
            with tempfile.TemporaryDirectory() as folder:
                say(f"part: {part}")
                found[part] = PARTS[part](args, folder, source) | {"when": time.strftime("%Y-%m-%d %H:%M"), "load_at_end": os.getloadavg()[0]}
            args.out.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found, indent=1) + "\n")
            args.out.write_text(page(found))
    finally:
        made.kill()
    print(args.out.read_text())


def bound(seconds):
    return f"≤ {1000 * seconds:.0f} ms" if seconds < 1 else f"≤ {seconds:.0f} s"


def judged(value, goal, met):
    return f"{goal}{'' if met else ': **missed**'}"


def small_rows(found):
    learned = f"{found['learned'] / 60:.1f} min" if found["learned"] else "not in the time given"
    return [
        ("100 workloads: all have learned from four weeks after", f"{learned}, {found['learning_cpu']:.0f} s of a core", ""),
        ("the most memory until then", f"{found['peak']:.0f} MiB", ""),
        ("steady: memory, half of the time at most / most", f"{found['usual']:.0f} MiB / {found['rss']:.0f} MiB", judged(0, "64 MiB", found["rss"] <= 64)),
        ("steady: processor", f"{found['cpu']:.1f} % of a core", judged(found["cpu"], "2 %", found["cpu"] <= 2)),
        ("steady: the oldest forecast", f"{found['ages'][2] / 60:.1f} min", ""),
        ("killed and ready again", f"{found['again']:.1f} s; {found['warm']} of 100 models go on without learning", "≤ 2 s"),
    ]


def kill_rows(found):
    told = f"{found['lost']} of {found['wrote']} acknowledged decrees lost, {found['unsafe']} unsafe decisions, store {'whole' if found['whole'] else 'DAMAGED'}"
    met = not found["lost"] and not found["unsafe"] and found["whole"]
    return [
        (f"{found['rounds']} kills of the service at random moments", told, judged(0, "1,000 kills: 0 lost, 0 unsafe", met)),
        ("kill -9 until every workload had a turn, 5 workloads: p99, slowest", f"{found['p99']:.2f} s, {found['slowest']:.2f} s", judged(0, "p99 ≤ 2 s", found["p99"] <= 2)),
    ]


def large_rows(found):
    busy, slowest = found["busy"], max(found["restarts"])
    rows = [
        (f"{found['workloads']:,} workloads: turns measured", f"{busy['turns']:,} in {found['minutes']:g} min, {busy['failed']} failed", ""),
        ("lateness of turns, p50 / p99 / p99.9", " / ".join(bound(b) for b in busy["late"]), judged(0, "p99 ≤ 1 s", busy["late"][1] <= 1)),
        ("lateness while the API is flooded, p99", bound(found["late_under_api"][0][1]), judged(0, "≤ 1 s", found["late_under_api"][0][1] <= 1)),
        ("memory", f"{busy['rss']:,.0f} MiB", judged(0, "2,048 MiB", busy["rss"] <= 2048)),
        ("processor", f"{busy['cpu']:.0f} % of a core", ""),
        ("forecasts there", f"{found['ages'][0]:,}, half not older than {found['ages'][1] / 60:.0f} min, all {found['ages'][2] / 60:.0f} min; {found['learned']:,} of them by the ensemble, from four weeks", ""),
        ("history of four weeks collected", f"{100 * found['filled']:.1f} % in {found['fill'] / 60:.1f} min", ""),
        ("store and fitted models on disk", f"{found['disk']:,.0f} MiB", ""),
        ("start with an empty store until all had a turn", f"{found['first_start']:.1f} s", ""),
        ("kill -9 and start until all had a turn, slowest of 3", f"{slowest:.1f} s", judged(0, "≤ 15 s", slowest <= 15)),
    ]
    for api in found["api"]:
        met = api["rate"] >= api["goal"] and api["p99"] <= 50 and not api["errors"]
        rows.append((f"GET `{api['path']}`", f"{api['rate']:,.0f}/s, p99 {api['p99']:.1f} ms, {api['errors']} errors", judged(0, "2,000/s, p99 ≤ 50 ms", met)))
    return rows


ROWS = {"small": small_rows, "kills": kill_rows, "large": large_rows}


def page(found):
    machine = subprocess.run("nproc; uname -sm", shell=True, capture_output=True, text=True).stdout.split("\n")
    table = [f"| {what} | {value} | {goal} |" for part in PARTS if part in found for what, value, goal in ROWS[part](found[part])]
    loads = "; ".join(f"{part} {found[part]['when']}, load average {found[part]['load_at_end']:.1f} at its end" for part in PARTS if part in found)
    return f"""# The service under load

Written by `make bench-service`, which takes about an hour; `scripts/bench_service.py --binary target/release/tidecast --quick` takes
about ten minutes. Measured from outside on {machine[0]} cores ({machine[1]}); the made source, written in Python, and the load generator used
the same cores. A turn every 30 s, four weeks of history in steps of five minutes for each workload to learn from; the rows say how many had learned. Lateness is
known by the bounds of the histogram in `/metrics`. Measured: {loads}.

| what | measured | goal |
|---|---|---|
{chr(10).join(table)}

{NOTES}"""


NOTES = """Fitted models lie in `models` in the folder of the store between two forecasts, 24 GiB at most here (`store.modelsMax`). Fitting
takes about a second of a processor for each workload and sizing itself by replay as much again, on all processors but one; so ten thousand that begin at once are all fitted after some hours. Until its
turn has come each has a forecast by the hour from a ridge regression, which the row of forecasts counts as forecasts but not as learned. Decisions wait for none of this:
what is learned gives way (10 more nice), and begins only once every workload has had its first turn after a start. Memory is most while forecasts are made, one after the other, from models that lie on the disk. The kills are of the whole
service while decrees are written over HTTP; the store alone is killed by `make kills`.
"""


if __name__ == "__main__":
    main()
