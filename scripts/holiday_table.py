#!/usr/bin/env python3
"""Makes crates/pilot/data/holidays.txt.gz: public holidays of every country and region that `holidays` knows.

    pip install holidays==0.109 && python3 scripts/holiday_table.py

The package (https://github.com/vacanza/holidays, MIT) computes them; the table only lists dates and English names, for
the years below. Run it again to reach further into the future, and name the version in data/holidays.LICENSE.

One line a holiday: its name, a tab, and its dates as days since 1970, each as the difference from the one before. A line
`>CODE` begins a country; `>CODE-REGION` begins a region, which has its country's days, without those listed under the
name `-`, and these. The first line names the years and the version.
"""
import gzip
import pathlib
import warnings
from datetime import date

import holidays

FIRST, LAST = 2020, 2037
OUT = pathlib.Path(__file__).parent.parent / "crates" / "pilot" / "data" / "holidays.txt.gz"


def days_of(country, region=None):
    """{date: name}, English where the package has it."""
    kind = getattr(holidays, country)
    english = next((l for l in ("en_US", "en_GB", "en") if l in kind.supported_languages), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = holidays.country_holidays(country, subdiv=region, years=range(FIRST, LAST + 1), language=english)
    return {day: name.replace("\t", " ").replace("\n", " ") for day, name in found.items()}


def lines(days):
    names = {}
    for day, name in sorted(days.items()):
        names.setdefault(name, []).append((day - date(1970, 1, 1)).days)
    for name, numbers in sorted(names.items()):
        steps = [numbers[0]] + [b - a for a, b in zip(numbers, numbers[1:])]
        yield name + "\t" + ",".join(map(str, steps))


def table():
    yield f"{FIRST}-{LAST} holidays {holidays.__version__}"
    for country, regions in sorted(holidays.list_supported_countries(include_aliases=False).items()):
        if len(country) != 2:
            continue
        national = days_of(country)
        yield f">{country}"
        yield from lines(national)
        for region in sorted(regions):
            own = days_of(country, region)
            extra = {day: name for day, name in own.items() if day not in national}
            missing = {day: "-" for day in national if day not in own}
            if extra or missing:
                yield f">{country}-{region}"
                yield from lines(missing)
                yield from lines(extra)
            else:
                yield f">{country}-{region}"


if __name__ == "__main__":
    text = "\n".join(table()) + "\n"
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{OUT}: {text.count(chr(10))} lines, {len(text)} bytes, {OUT.stat().st_size} compressed")
