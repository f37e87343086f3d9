#!/usr/bin/env python3
"""How fast KEDA's external scaler answers, into its section of docs/benchmarks/scalers.md.

scripts/bench_keda.py --binary target/release/tidecast [--rates 1000,5000] [--seconds 10]

Starts `tidecast run` on loopback, waits until it has an opinion, and has h2load (Debian's nghttp2-client) put `GetMetrics`
at a steady rate, each question at its time. h2load is not ours and shares nothing with tidecast.
"""
import argparse
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/benchmarks/scalers.md"
CONNECTIONS = 4


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", required=True, type=Path)
    arguments.add_argument("--rates", default="1000,2000,5000")
    arguments.add_argument("--seconds", default=10, type=int)
    arguments.add_argument("--workloads", default=100, type=int)
    arguments.add_argument("--build", default="release", help="how the binary was built, for the page")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), given)
    write(rows, given)


def measure(folder, given):
    api, port = free_port(), free_port()
    write_config(folder, api, port, given.workloads)
    with open(folder / "log", "w") as log:
        server = subprocess.Popen([given.binary.resolve(), "run"], cwd=folder, stderr=log)
    try:
        question = framed(metrics_request("load/0", "load-0-replicas"))
        (folder / "question").write_bytes(question)
        wait_for_opinion(folder, port)
        # Forecasts that are being made are not what is measured.
        time.sleep(15)
        return [run(folder, port, int(rate), given.seconds, server.pid) for rate in given.rates.split(",")]
    finally:
        server.terminate()
        server.wait(20)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def write_config(folder, api, port, workloads):
    now = datetime.now(timezone.utc).replace(microsecond=0, second=0)
    times = (now - timedelta(days=14) + timedelta(minutes=5 * i) for i in range(14 * 288 + 24))
    (folder / "demand.csv").write_text("".join(f"{at.isoformat()},400\n" for at in times))
    lines = [
        f"server: {{ listen: 127.0.0.1:{api}, turnEvery: 30s }}",
        f"keda: {{ listen: 127.0.0.1:{port} }}",
        "sources: { file: { type: csv, path: demand.csv } }",
        "workloads:",
    ]
    for i in range(workloads):
        target = f"{{ type: keda, namespace: load, name: w{i}, action: trigger }}"
        lines.append(
            f"- {{ name: load/{i}, mode: full, demand: {{ source: file }}, capacity: {{ perReplica: 41 }}, maxReplicas: 60, target: {target} }}"
        )
    (folder / "tidecast.yaml").write_text("\n".join(lines) + "\n")


def field(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


def metrics_request(workload, metric):
    """GetMetricsRequest in protobuf's encoding, by hand: nothing here is longer than 127 bytes."""
    entry = field(1, b"workload") + field(2, workload.encode())
    ref = field(1, b"w0") + field(2, b"load") + field(3, entry)
    return field(1, ref) + field(2, metric.encode())


def framed(message):
    return b"\0" + struct.pack(">I", len(message)) + message


def h2load(folder, port, *more):
    command = ["h2load", f"-d{folder / 'question'}", "-H", "content-type: application/grpc", "-H", "te: trailers", *more]
    command.append(f"http://127.0.0.1:{port}/externalscaler.ExternalScaler/GetMetrics")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait_for_opinion(folder, port):
    """A refusal in gRPC is a success in HTTP but has no message; so the bytes of data tell."""
    for _ in range(240):
        time.sleep(1)
        try:
            said = h2load(folder, port, "-n1", "-c1")
        except subprocess.CalledProcessError:
            continue
        data = re.search(r"\((\d+)\) data", said)
        if data and int(data[1]) > 5:
            return
    sys.exit("there was no opinion within four minutes:\n" + (folder / "log").read_text()[-2_000:])


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(folder, port, rate, seconds, pid):
    log, before = folder / "times", cpu_s(pid)
    log.unlink(missing_ok=True)
    count = rate * seconds
    h2load(folder, port, f"-n{count}", f"-c{CONNECTIONS}", "-m100", f"--rps={rate / CONNECTIONS}", f"--log-file={log}")
    took = sorted(int(line.split()[2]) for line in log.read_text().splitlines())
    statuses = {line.split()[1] for line in log.read_text().splitlines()}
    assert len(took) == count and statuses == {"200"}, (len(took), statuses)
    at = lambda level: took[min(len(took) - 1, int(len(took) * level))] / 1_000
    row = (rate, at(0.5), at(0.99), at(0.999), took[-1] / 1_000, (cpu_s(pid) - before) / count * 1e6, os.getloadavg()[0])
    print("%d/s: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, longest %.1f ms, %.0f µs of a core each, load %.1f" % row, flush=True)
    return row


def write(rows, given):
    model = next((l.split(":")[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in l), "?")
    lines = [
        "## KEDA's external scaler",
        "",
        f"`GetMetrics` over loopback for {given.seconds} s at each rate, {CONNECTIONS} connections, {given.workloads} workloads on the board, put by",
        "h2load at a steady rate. The question asks about one workload and is answered with its size. By `scripts/bench_keda.py --binary BIN`.",
        "",
        f"{os.cpu_count()} processors ({model}), which the client shares; build: {given.build}; {datetime.now(timezone.utc):%Y-%m-%d}. *Load* is the machine's load average at the end:",
        "above the number of processors, others were at work beside it.",
        "",
        "| questions a second | p50 | p99 | p99.9 | longest | of a core, each | load |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += ["| %d | %.2f ms | %.2f ms | %.2f ms | %.1f ms | %.0f µs | %.1f |" % row for row in rows]
    section = "\n".join(lines) + "\n"
    page = PAGE.read_text() if PAGE.exists() else "# Hands on fleets\n"
    begin = page.find("## KEDA's external scaler")
    if begin < 0:
        page = page.rstrip() + "\n\n" + section
    else:
        end = page.find("\n## ", begin + 1)
        page = page[:begin] + section + ("" if end < 0 else page[end:])
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
