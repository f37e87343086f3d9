#!/usr/bin/env python3
"""Tests of what stands around the code: documents, sample data, scripts.

    scripts/test_home.py [BINARY]

In documents, the commands of ```console blocks run: lines that begin with `$ tidecast` or `$ make` (of make, only that the
target exists), in a folder where `traffic.csv` is the bicycle sample. A line's exit code is 0 unless it ends with `# exit N`.
Blocks of any other kind are only for reading. Without BINARY the commands are left out.
"""
import csv
import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True
import bans  # noqa: E402  beside this file

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "crates" / "tidecast" / "data"
BINARY = None
COMMAND_S_MAX = 300


def documents():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE,
    ).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).exists()]


class Documents(unittest.TestCase):
    def test_every_relative_link_leads_somewhere(self):
        for page in documents():
            for target in links(page.read_text()):
                with self.subTest(page=str(page.relative_to(ROOT)), link=target):
                    self.assertTrue(leads_somewhere(page, target), "nothing there")

    def test_every_path_named_in_the_map_is_there(self):
        for page in (ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "README.md"):
            named = re.findall(r"`((?:crates|scripts|docs|scenarios|examples|deploy|web)/[\w./-]*)`", page.read_text())
            for path in (p for p in named if "NAME" not in p):
                with self.subTest(page=page.name, path=path):
                    self.assertTrue((ROOT / path).exists(), "nothing there")

    def test_the_book_lists_every_page(self):
        book = ROOT / "docs"
        listed = {(book / target).resolve() for target in links((book / "SUMMARY.md").read_text())}
        for page in book.rglob("*.md"):
            if page.name != "SUMMARY.md" and book / "book" not in page.parents:
                with self.subTest(page=str(page.relative_to(ROOT))):
                    self.assertIn(page.resolve(), listed, "not in SUMMARY.md")

    def test_every_command_does_what_the_page_says(self):
        if BINARY is None:
            self.skipTest("no binary given")
        with tempfile.TemporaryDirectory() as folder:
            where = workshop(Path(folder))
            for page in documents():
                for command, code in commands(page.read_text()):
                    with self.subTest(page=str(page.relative_to(ROOT)), command=command):
                        self.run_command(command, code, where)

    def run_command(self, command, code, where):
        if command.startswith("make "):
            return self.assertIn(shlex.split(command, comments=True)[1], make_targets())
        line = re.sub(r"^tidecast\b", shlex.quote(str(BINARY)), command)
        line = re.sub(r"\|\s*tidecast\b", "| " + shlex.quote(str(BINARY)), line)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], cwd=where, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=COMMAND_S_MAX, env={**os.environ, "NO_COLOR": "1"},
        )
        self.assertEqual(done.returncode, code, done.stderr[-2000:])


def links(text):
    """Targets of inline links, code blocks and web addresses left out."""
    prose = re.sub(r"`[^`\n]*`", "", outside_code(text))
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [t for t in targets if not re.match(r"[a-z]+:", t)]


def outside_code(text):
    return re.sub(r"^(```+).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)


def leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path) if path else page
    if not file.exists():
        return False
    return not anchor or file.suffix != ".md" or anchor in anchors(file.read_text())


def anchors(text):
    headings = re.findall(r"^#+\s+(.*)$", outside_code(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def commands(text):
    """Command lines of console blocks with the exit code that they announce."""
    for block in re.findall(r"^```console\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            found = re.match(r"\$ ((?:[^#]*\|\s*)?(?:tidecast|make)\b.*?)(?:\s+# exit (\d+))?$", line)
            if found:
                yield found[1], int(found[2] or 0)


def make_targets():
    return re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def workshop(folder):
    """A folder in which the documents' commands find what they name."""
    for name in ("crates", "scenarios", "examples", "deploy"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    with gzip.open(DATA / "bikeshare_hourly.csv.gz") as packed, open(folder / "traffic.csv", "wb") as plain:
        shutil.copyfileobj(packed, plain)
    return folder


class Samples(unittest.TestCase):
    STEPS_S = {"bikeshare_hourly.csv.gz": 3600, "parking_30min.csv.gz": 1800, "retail_minute.csv.gz": 60}

    def test_stay_small(self):
        self.assertLess(sum(f.stat().st_size for f in DATA.glob("*.gz")), 400_000)

    def test_lie_on_their_grid_in_order_and_are_sound(self):
        for name, step_s in self.STEPS_S.items():
            with self.subTest(sample=name):
                times, values = read(DATA / name)
                gaps = {b - a for a, b in zip(times, times[1:])}
                self.assertTrue(all(gap > 0 and gap % step_s == 0 for gap in gaps))
                self.assertTrue(all(value >= 0 for value in values))
                self.assertGreaterEqual(times[-1] - times[0] + step_s, 10 * 7 * 86_400)

    def test_have_their_source_and_licence_beside_them(self):
        told = (DATA / "README.md").read_text()
        for sample in DATA.glob("*.gz"):
            self.assertIn(f"`{sample.name}`", told)


def read(path):
    with gzip.open(path, "rt") as text:
        rows = csv.reader(text)
        assert next(rows) == ["timestamp", "value"], path
        pairs = [(datetime.fromisoformat(t).timestamp(), float(v)) for t, v in rows]
    return [t for t, _ in pairs], [v for _, v in pairs]


class Laws(unittest.TestCase):
    MAY_USE = {"forecast": set(), "pilot": {"forecast"}, "world": {"forecast", "pilot"}}
    HANDS = {"tokio", "reqwest", "hyper", "axum", "rusqlite", "rand", "getrandom"}

    def test_each_crate_depends_on_those_below_it_alone(self):
        for crate, below in self.MAY_USE.items():
            with self.subTest(crate=crate):
                uses = set(tomllib.loads((ROOT / "crates" / crate / "Cargo.toml").read_text())["dependencies"])
                ours = {name.removeprefix("tidecast-") for name in uses if name.startswith("tidecast")}
                self.assertLessEqual(ours, below)
                self.assertFalse(uses & self.HANDS, "a pure crate has no hands")

    def test_forecasting_has_no_word_for_what_serves(self):
        for file in sorted((ROOT / "crates" / "forecast" / "src").rglob("*.rs")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                code = line.split("//")[0]
                with self.subTest(place=f"{file.name}:{number}"):
                    self.assertNotRegex(code, r"(?i)(?<![a-z])(servers?|instances?|replicas?|pods?|nodes?|fleets?)(?![a-z])")


class Bans(unittest.TestCase):
    def test_read_licence_expressions(self):
        allowed = {"MIT", "Apache-2.0"}
        for expression, expected in {
            "MIT": True, "MIT OR GPL-3.0": True, "GPL-3.0 AND MIT": False, "(MIT OR X) AND Apache-2.0": True,
            "X": False, "": False, "MIT/Apache-2.0": True, "X OR (MIT AND Y)": False,
            "Apache-2.0 WITH LLVM-exception": False,
        }.items():
            with self.subTest(expression=expression):
                self.assertEqual(bans.satisfied(expression, allowed), expected)


class Links(unittest.TestCase):
    def test_are_found_in_prose_alone(self):
        text = "[a](b.md) `[c](d)` <https://x> [w](https://y)\n```\n[e](f)\n```\n[g](#h)"
        self.assertEqual(links(text), ["b.md", "#h"])

    def test_commands_carry_the_exit_code_they_announce(self):
        text = "```console\n$ tidecast demo\nout\n$ tidecast forecast no.csv   # exit 2\n$ cat x | tidecast forecast -\n```\n"
        text += "```sh\n$ tidecast run\n```\n"
        found = [("tidecast demo", 0), ("tidecast forecast no.csv", 2), ("cat x | tidecast forecast -", 0)]
        self.assertEqual(list(commands(text)), found)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BINARY = Path(sys.argv.pop()).resolve()
    ran = unittest.main(exit=False, verbosity=1).result
    wrong = len(ran.failures) + len(ran.errors)
    broken = {getattr(case, "test_case", case).id() for case, _ in ran.failures + ran.errors}
    print(f"home: {ran.testsRun - len(broken) - len(ran.skipped)} passed, {len(broken)} failed, {len(ran.skipped)} skipped")
    sys.exit(1 if wrong else 0)
