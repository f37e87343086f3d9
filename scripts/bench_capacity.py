#!/usr/bin/env python3
"""make bench-capacity: what each policy costs, and what it costs the users, into docs/benchmarks/capacity.md.

    scripts/bench_capacity.py --traces DIR --binary tidecast [--scorer SCORE.py] [--out FILE]

DIR holds minute-level demand. A server's throughput and the start of scoring are the simulator's defaults: the 99.5th percentile of the demand before
scoring needs 50 servers; the last 28 days are scored, or half of what is shorter than 60 days. With a scorer, its figures are the ones
that are printed, recomputed from the timelines. What the page says of the planner's lots is made by another program, and stays as it is.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_forecast import ROOT, machine, stem

STARTS_MIN = [5, 15]
# Prices of a scale-up in server-minutes, for a fleet of 50 servers at peak; the first is the default.
PRICES = [None, 10, 20, 30, 40, 60]
# What fewer scale-ups may cost in the row that is pointed out.
EXTRA = 1.03
# What another program writes: kept.
KEPT = "## Lots of the planner"


def main():
    args = arguments()
    traces = sorted([*args.traces.glob("*.csv"), *args.traces.glob("*.csv.gz")])
    if not traces:
        sys.exit(f"no trace (*.csv, *.csv.gz) in {args.traces}")
    with tempfile.TemporaryDirectory() as folder:
        results = {start: [row for trace in traces for row in played(args, trace, start, Path(folder))] for start in STARTS_MIN}
        priced = {start: {price: [row for trace in traces for row in at_price(args, trace, start, price, Path(folder))] for price in PRICES} for start in STARTS_MIN}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    kept = kept_of(args.out)
    args.out.write_text("\n".join([*page(args, traces, results), *few(priced)]) + "\n" + kept)
    print(f"{args.out.relative_to(ROOT)}: {len(traces)} traces, start-up {' and '.join(map(str, STARTS_MIN))} min")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--scorer", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks" / "capacity.md")
    return parser.parse_args()


def kept_of(page):
    text = page.read_text() if page.exists() else ""
    return text[text.index(KEPT):] if KEPT in text else ""


def at_price(args, trace, start, price, folder):
    """The row of the self-tuned policy at this price of a scale-up."""
    return played(args, trace, start, folder, "tidecast", [] if price is None else ["--scale-up-cost", price])


def played(args, trace, start, folder, policy="all", more=()):
    """One row for each policy."""
    began = time.monotonic()
    options = [*more, "--policy", policy, "--start-time", f"{start}m", "-o", "json", "--quiet", "--emit-timeline", folder / "{name}.csv.gz"]
    command = [args.binary, "simulate", trace, *options]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} answered {done.returncode}")
    rows = [json.loads(line) | {"trace": stem(trace)} for line in done.stdout.splitlines()]
    print(f"{trace.name}, start-up {start} min: {time.monotonic() - began:.1f} s", file=sys.stderr)
    return [scored(args, row, folder / f"{row['policy']}.csv.gz") for row in rows]


def scored(args, row, timeline):
    """The row with the scorer's figures in place of tidecast's."""
    if not args.scorer:
        return row
    command = [args.scorer, "capacity", timeline, "--start-time", f"{row['start_s']}s", "--throughput", str(row["throughput_per_min"]), "--json"]
    done = subprocess.run([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{row['trace']}, {row['policy']}: the scorer answered {done.returncode}\n{done.stdout}")
    figures = json.loads(done.stdout)
    return row | {
        "violated_requests": figures["violated_requests_pct"] / 100,
        "cost": figures["cost_ratio"],
        "overprovision": figures["overprovision_pct"] / 100,
        "utilisation": figures["utilisation_pct"] / 100,
        "ups_per_day": figures["scale_ups_per_day"],
    }


def page(args, traces, results):
    yield from (
        "# Benchmark: capacity", "",
        f"Made by `make bench-capacity` on {len(traces)} real traces by the minute ({machine()}), {'by the independent scorer' if args.scorer else 'with tidecast’s own figures'}. "
        "How the figures are defined: [Measures](../reference/measures.md#capacity).",
        "Read cost beside violated requests: a policy that is short of capacity can cost less than the optimum.", "",
    )
    for start, rows in results.items():
        yield from (f"## Start-up {start} min", "", "| policy | violated requests, mean | median | traces ≤ 0.1 % | cost, median | mean | overprovision, median | utilisation, median | scale-ups a day, median |", "|---|---|---|---|---|---|---|---|---|")
        for policy in dict.fromkeys(row["policy"] for row in rows):
            yield summary(policy, [row for row in rows if row["policy"] == policy])
        yield from ("", "| trace | policy | violated requests | cost | scale-ups a day |", "|---|---|---|---|---|")
        yield from (f"| {r['trace']} | {r['policy']} | {percent(r['violated_requests'])} | {r['cost']:.3f} | {r['ups_per_day']:.1f} |" for r in rows)
        yield ""


def few(priced):
    """What fewer scale-ups cost."""
    yield from (
        "## Few scale-ups", "",
        "A scale-up has a price, `advanced.scaleUpCost`; the self-tuned policy chooses its ways, and the lots in which they step, by what they cost with it. The more it is, "
        "the fewer and larger the steps: `tidecast simulate FILE --policy tidecast --scale-up-cost 30`, in server-minutes, for 50 servers at peak.", "",
        "| start-up | price | violated requests, mean | cost, median | beside the default | cost, mean | scale-ups a day, median | mean |", "|---|---|---|---|---|---|---|---|",
    )
    for start, by_price in priced.items():
        usual = median(by_price[None], "cost")
        for price, rows in by_price.items():
            cost = median(rows, "cost")
            cells = [f"{start} min", price or "default", percent(statistics.mean(r["violated_requests"] for r in rows)), f"{cost:.3f}", f"{100 * (cost / usual - 1):+.1f} %",
                     f"{statistics.mean(r['cost'] for r in rows):.3f}", f"{median(rows, 'ups_per_day'):.1f}", f"{statistics.mean(r['ups_per_day'] for r in rows):.1f}"]
            yield f"| {' | '.join(map(str, cells))} |"
    yield ""
    for start, by_price in priced.items():
        usual = median(by_price[None], "cost")
        within = [rows for rows in by_price.values() if median(rows, "cost") <= EXTRA * usual]
        least = min(within, key=lambda rows: median(rows, "ups_per_day"))
        yield f"Start-up {start} min: {median(least, 'ups_per_day'):.0f} scale-ups a day in the median, at {100 * (median(least, 'cost') / usual - 1):+.1f} % of the median cost."
        yield ""


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def summary(policy, rows):
    column = {key: [row[key] for row in rows] for key in ("violated_requests", "cost", "overprovision", "utilisation", "ups_per_day")}
    violated, cost = column["violated_requests"], column["cost"]
    cells = [
        policy, percent(statistics.mean(violated)), percent(statistics.median(violated)), f"{sum(v <= 0.001 for v in violated)}/{len(rows)}",
        f"{statistics.median(cost):.3f}", f"{statistics.mean(cost):.3f}", f"{100 * statistics.median(column['overprovision']):.1f} %",
        f"{100 * statistics.median(column['utilisation']):.1f} %", f"{statistics.median(column['ups_per_day']):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def percent(share):
    return f"{100 * share:.3f} %"


if __name__ == "__main__":
    main()
