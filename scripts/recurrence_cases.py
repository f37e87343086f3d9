#!/usr/bin/env python3
"""Makes crates/pilot/src/calendar/recur/cases.tsv: recurrence rules and their occurrences, computed by python-dateutil.

    pip install python-dateutil && python3 scripts/recurrence_cases.py

Hand-picked rules, and rules drawn with a fixed seed from what crates/pilot understands.
"""
import pathlib
import random
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

OUT = pathlib.Path(__file__).parent.parent / "crates/pilot/src/calendar/recur/cases.tsv"
PICKED = """FREQ=DAILY
FREQ=DAILY;INTERVAL=10;COUNT=5
FREQ=DAILY;BYMONTH=1
FREQ=WEEKLY;INTERVAL=2;WKST=SU
FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH
FREQ=WEEKLY;INTERVAL=2;COUNT=8;BYDAY=TU,SU;WKST=MO
FREQ=WEEKLY;INTERVAL=2;COUNT=8;BYDAY=TU,SU;WKST=SU
FREQ=MONTHLY;BYDAY=1FR
FREQ=MONTHLY;BYDAY=-2MO
FREQ=MONTHLY;BYMONTHDAY=-3
FREQ=MONTHLY;BYMONTHDAY=2,15,-1
FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15
FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13
FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13
FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3
FREQ=MONTHLY;BYMONTHDAY=31
FREQ=YEARLY
FREQ=YEARLY;BYDAY=20MO
FREQ=YEARLY;BYMONTH=3;BYDAY=TH
FREQ=YEARLY;BYMONTH=11;BYDAY=4TH
FREQ=YEARLY;BYMONTH=6,7,8;BYDAY=TH
FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8
FREQ=YEARLY;BYMONTHDAY=1
FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29""".splitlines()
DAYS = "MO TU WE TH FR SA SU".split()


def drawn(rng):
    freq = rng.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={freq}"]
    if rng.random() < 0.5:
        parts.append(f"INTERVAL={rng.randint(2, 5)}")
    if rng.random() < 0.3:
        parts.append("BYMONTH=" + ",".join(map(str, sorted(rng.sample(range(1, 13), rng.randint(1, 4))))))
    by_day = rng.random() < 0.5
    if by_day:
        nth = freq in ("MONTHLY", "YEARLY") and rng.random() < 0.5
        prefix = (lambda: str(rng.choice([1, 2, 3, 4, -1, -2]))) if nth else (lambda: "")
        parts.append("BYDAY=" + ",".join(prefix() + day for day in rng.sample(DAYS, rng.randint(1, 3))))
    if rng.random() < 0.3 and freq != "WEEKLY":
        parts.append("BYMONTHDAY=" + ",".join(map(str, rng.sample([d for d in range(-31, 32) if d], rng.randint(1, 12)))))
    if by_day and freq in ("MONTHLY", "YEARLY") and rng.random() < 0.3:
        parts.append(f"BYSETPOS={rng.choice([1, 2, -1])}")
    if rng.random() < 0.4:
        parts.append(f"WKST={rng.choice(DAYS)}")
    if rng.random() < 0.4:
        parts.append(f"COUNT={rng.randint(1, 30)}")
    elif rng.random() < 0.3:
        parts.append((datetime(2026, 1, 1) + timedelta(days=rng.randint(0, 900))).strftime("UNTIL=%Y%m%dT%H%M%S"))
    return ";".join(parts)


def show(time):
    return time.strftime("%Y%m%dT%H%M%S")


if __name__ == "__main__":
    rng = random.Random(5545)
    lines = ["# start, rule, from, until, occurrences; made by scripts/recurrence_cases.py"]
    for rule in PICKED + [drawn(rng) for _ in range(400)]:
        start = datetime(2025, 1, 1, rng.randint(0, 23), rng.choice([0, 15, 30])) + timedelta(days=rng.randint(0, 400))
        since = start + timedelta(days=rng.randint(-30, 60 if "COUNT" in rule else 500))
        until = since + timedelta(days=rng.choice([40, 200, 900]))
        found = rrulestr(rule, dtstart=start).between(since, until, inc=True)
        found = [time for time in found if since <= time < until][:60]
        # Fewer than the window holds would not be a test: end it after the last one listed.
        if len(found) == 60:
            until = found[-1] + timedelta(seconds=1)
        lines.append("\t".join([show(start), rule, show(since), show(until), ",".join(map(show, found))]))
    OUT.write_text("\n".join(lines) + "\n")
    print(f"{OUT}: {len(lines) - 1} cases")
