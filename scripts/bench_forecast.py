#!/usr/bin/env python3
"""make bench-forecast: accuracy, calibration and speed on a folder of traces, into docs/benchmarks/forecast.md.

    scripts/bench_forecast.py --traces DIR --binary tidecast [--scorer SCORE.py] [--models all|a,b,…] [--out FILE]

Every trace is backtested with every model by the protocol of docs/reference/measures.md. The figures of the default model are the
independent scorer's where there is one (needs numpy and pandas); those of the single models are tidecast's own, which
scripts/agree.py compares with the scorer's.
"""
import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEADS = {"15 min": "15m", "1 h": "1h", "24 h": "24h"}
LEVELS = ["0.5", "0.9", "0.95", "0.99"]


def main():
    args = arguments()
    traces = sorted([*args.traces.glob("*.csv"), *args.traces.glob("*.csv.gz")])
    if not traces:
        sys.exit(f"no trace (*.csv, *.csv.gz) in {args.traces}")
    with tempfile.TemporaryDirectory() as folder:
        whole = [judged(args, trace, Path(folder)) for trace in traces]
        singles = {} if args.models == "none" else by_model([backtest(args, trace, "--model", args.models) for trace in traces])
        means = geo(args, whole, Path(folder)) if args.scorer else None
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text("\n".join(page(args, traces, whole, singles, means)) + "\n")
    print(f"{args.out.relative_to(ROOT)}: {len(traces)} traces, {len(singles)} single models")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--scorer", type=Path)
    parser.add_argument("--models", default="all", help="single models to compare with, or none (default: all)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks" / "forecast.md")
    return parser.parse_args()


def judged(args, trace, folder):
    """tidecast's own result for the default model, and beside it the scorer's."""
    emitted = folder / "forecasts.csv.gz"
    own = backtest(args, trace, "--emit-forecasts", emitted)[0]
    if not args.scorer:
        return own, None
    command = [sys.executable, args.scorer, "forecasts", "--data", trace, emitted, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{trace.name}: the scorer answered {done.returncode}\n{done.stdout}")
    return own, json.loads(done.stdout)


def backtest(args, trace, *options):
    began = time.monotonic()
    command = [args.binary, "backtest", trace, *options, "-o", "json", "--quiet"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} answered {done.returncode}")
    print(f"{trace.name} {options[0]}: {time.monotonic() - began:.1f} s", file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_model(results):
    models = {}
    for trace in results:
        for result in trace:
            models.setdefault(result["model"], []).append(result)
    return models


def geo(args, whole, folder):
    files = []
    for number, (_, scored) in enumerate(whole):
        files.append(folder / f"{number}.json")
        files[-1].write_text(json.dumps(scored))
    done = subprocess.run([sys.executable, args.scorer, "geo", *files, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["forecasts"]


def page(args, traces, whole, singles, means):
    yield from (
        "# Benchmark: forecasts",
        "",
        f"Made by `make bench-forecast` on {len(traces)} real traces ({machine()}). How the figures are defined: [Measures](../reference/measures.md).",
        "Relative means relative to repeating last week's value, on the same origins; GEO is the geometric mean over traces.",
        "",
    )
    yield from accuracy(whole, singles)
    if means:
        yield from calibration(means)
    yield from per_trace(traces, whole)
    yield from speed(traces, whole)
    yield from budgets(args)


def accuracy(whole, singles):
    yield from ("## GEO of relative WAPE", "", f"| model | {' | '.join(LEADS)} |", "|---|" + "---|" * len(LEADS))
    default = whole[0][0]["model"]
    rows = {f"**{default}**, the default": [own for own, _ in whole]} | {m: r for m, r in singles.items() if m != default}
    for model, results in rows.items():
        yield f"| {model} | {' | '.join(figure(relative(results, seconds)) for seconds in (900, 3600, 86400))} |"
    yield ""


def relative(results, seconds):
    """The geometric mean over the traces that have this lead; a lead is named by the protocol, rounded to whole steps."""
    found = [lead["rel_wape"] for result in results if (lead := lead_of(result, seconds)) and lead.get("rel_wape")]
    return math.exp(sum(map(math.log, found)) / len(found)) if found else None


def lead_of(result, seconds):
    steps = seconds // result["step_s"] * result["step_s"]
    return next((lead for lead in result["leads"] if steps and lead["lead_s"] == steps), None)


def calibration(means):
    yield from (
        "## Quantiles of the default", "",
        "GEO of wQL relative to last week's value with its own rolling quantiles (mean coverage; mean distance of coverage from the level, in points).", "",
        f"| level | {' | '.join(LEADS)} |", "|---|" + "---|" * len(LEADS),
    )
    for level in LEVELS:
        cells = []
        for lead in LEADS.values():
            q = means.get(lead, {}).get(f"q{level}")
            cells.append(f"{q['rel_wql']:.3f} ({q['coverage_mean']:.3f}; {q['coverage_error_points']:.1f})" if q else "–")
        yield f"| {level} | {' | '.join(cells)} |"
    yield ""


def per_trace(traces, whole):
    yield from ("## The default, trace by trace", "", "| trace | lead | n | WAPE | bias | MASE | relative WAPE | coverage .9 | .95 | .99 |", "|---|---|---|---|---|---|---|---|---|---|")
    for trace, (own, _) in zip(traces, whole):
        for lead in own["leads"]:
            cover = [figure(lead["coverage"].get(level)) for level in LEVELS[1:]]
            cells = [str(lead["n"]), *(figure(lead.get(key)) for key in ("wape", "bias", "mase", "rel_wape")), *cover]
            yield f"| {stem(trace)} | {span(lead['lead_s'])} | {' | '.join(cells)} |"
    yield ""


def speed(traces, whole):
    yield from ("## Speed", "", "| trace | origins | time to fit, all fits | time per origin, all leads |", "|---|---|---|---|")
    for trace, (own, _) in zip(traces, whole):
        yield f"| {stem(trace)} | {own['origins']} | {own['fit_ms']:.0f} ms | {own['forecast_us']:.0f} µs |"


def budgets(args):
    """What one workload takes: a cold start, a turn, memory; on the samples that ship inside."""
    command = [args.binary, "bench", "--model", "all", "--policy", "oracle", "-o", "json", "--quiet"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=True)
    yield from (
        "", "## One workload on one core", "",
        "`tidecast bench`: 25 leads are learned from the history that ships inside (eight weeks of five-minute values where there are as many); a turn takes in a value and forecasts 24 steps.", "",
        "| model | data | values | cold start | one turn | memory of one more |", "|---|---|---|---|---|---|",
    )
    for row in map(json.loads, done.stdout.splitlines()):
        if row["kind"] == "model":
            # Only the first model's memory is told: those after it settle in what it has freed.
            memory = f"{row['kib'] / 1024:.1f} MiB" if row["model"] == "ensemble" and row.get("kib") else "–"
            yield f"| {row['model']} | {row['data']} | {row['points']} | {row['fit_ms']:.0f} ms | {row['turn_us']:.0f} µs | {memory} |"


def figure(value):
    return "–" if value is None else f"{value:.3f}"


def span(seconds):
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"


def stem(path):
    return path.name.removesuffix(".gz").removesuffix(".csv")


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}"


if __name__ == "__main__":
    main()
