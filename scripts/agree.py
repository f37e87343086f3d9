#!/usr/bin/env python3
"""Compares tidecast's own measures with those of an independent scorer, on the sample traffic.

    scripts/agree.py --scorer SCORE.py --binary tidecast [--trace FILE.csv[.gz]]...

The scorer gets what tidecast emits, forecasts and timelines, and recomputes every measure. They must agree to four digits. Needs a
Python with numpy and pandas, which the scorer uses (scripts/python makes one). --trace adds histories of your own.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "crates" / "tidecast" / "data"
FORECASTS = [DATA / "bikeshare_hourly.csv.gz", DATA / "parking_30min.csv.gz"]
START, THROUGHPUT = "5m", "0.5/min"
TOLERANCE = 5e-5


def main():
    args = arguments()
    passed, failed = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name, mine, theirs in [*forecasts(args, Path(folder)), *timelines(args, Path(folder))]:
            wrong = [line for key in theirs if (line := difference(key, mine.get(key), theirs[key]))]
            print(f"{'differs' if wrong else 'agrees '}  {name}: {len(theirs)} measures")
            passed, failed = passed + (not wrong), failed + [f"{name}: {line}" for line in wrong]
    for line in failed:
        print(line, file=sys.stderr)
    print(f"agreement: {passed} passed, {len({line.split(':')[0] for line in failed})} failed")
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--trace", type=Path, action="append", default=[], help="one more history to backtest")
    return parser.parse_args()


def forecasts(args, folder):
    for trace in FORECASTS + args.trace:
        out = folder / "forecasts.csv.gz"
        [mine] = run(args.binary, "backtest", trace, "--emit-forecasts", out, "-o", "json")
        theirs = score(args, "forecasts", "--data", trace, out)
        own = {lead["lead_s"]: lead for lead in mine["leads"]}
        for lead in theirs["leads"].values():
            name = f"{trace.name}, lead {lead['lead_s']} s"
            yield name, flat(own.get(lead["lead_s"], {})), flat(lead, only=flat(own.get(lead["lead_s"], {})))


def timelines(args, folder):
    trace = DATA / "retail_minute.csv.gz"
    options = ["--policy", "all", "--throughput", THROUGHPUT, "--start-time", START]
    for mine in run(args.binary, "simulate", trace, *options, "--emit-timeline", folder / "{name}.csv.gz", "-o", "json"):
        out = folder / f"{mine['policy']}.csv.gz"
        scored = score(args, "capacity", out, "--start-time", START, "--throughput", str(mine["throughput_per_min"]), "--demand", trace)
        theirs = {
            "violated_requests": scored["violated_requests_pct"] / 100,
            "violated_time": scored["violated_time_pct"] / 100,
            "cost": scored["cost_ratio"],
            "overprovision": scored["overprovision_pct"] / 100,
            "utilisation": scored["utilisation_pct"] / 100,
            "ups_per_day": scored["scale_ups_per_day"],
            "downs_per_day": scored["scale_downs_per_day"],
            "server_hours": scored["cost_server_minutes"] / 60,
        }
        yield f"{trace.name}, {mine['policy']}", mine, theirs


def run(binary, *command):
    done = subprocess.run([binary, *map(str, command), "--quiet"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    if done.returncode:
        sys.exit(f"{binary.name} {' '.join(map(str, command))} answered {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def score(args, *command):
    done = subprocess.run([sys.executable, args.scorer, *map(str, command), "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"the scorer answered {done.returncode}: {done.stdout[-2000:]}")
    return json.loads(done.stdout)


def flat(lead, only=None):
    """Measures by name, levels too; with `only`, no others than those it has."""
    out = {}
    for key in ("n", "wape", "bias", "mase", "rel_wape", "wql", "coverage"):
        value = lead.get(key)
        if isinstance(value, dict):
            out |= {f"{key} {float(level):g}": figure for level, figure in value.items()}
        elif value is not None:
            out[key] = value
    return out if only is None else {key: value for key, value in out.items() if key in only or key in ("n", "wape", "rel_wape")}


def difference(key, mine, theirs):
    if mine is None:
        return f"{key} is {theirs}, and tidecast has none"
    if abs(mine - theirs) > TOLERANCE * max(abs(theirs), 0.01):
        return f"{key} is {theirs}, and tidecast has {mine}"
    return None


if __name__ == "__main__":
    sys.exit(main())
