#!/usr/bin/env python3
"""The part of deny.toml that needs no cargo-deny: banned crates, licences, sources, read from `cargo metadata`.

A licence expression passes when its alternatives (OR) have one of which every part (AND) is allowed. The full check,
licence texts included, is `cargo deny check licenses bans sources`.
"""
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    packages = metadata()["packages"]
    wrong = [*banned(rules, packages), *licences(rules, packages), *sources(packages)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(packages)} packages, {len(wrong)} against deny.toml (licence expressions as the packages state them)")
    return 1 if wrong else 0


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def banned(rules, packages):
    why = {ban["crate"]: ban["reason"] for ban in rules["bans"]["deny"]}
    return [f"{p['name']} {p['version']} is banned: {why[p['name']]}" for p in packages if p["name"] in why]


def licences(rules, packages):
    allowed = set(rules["licenses"]["allow"])
    return [
        f"{p['name']} {p['version']}: licence {p['license'] or 'not stated'} is not allowed"
        for p in packages
        if not satisfied(p["license"] or "", allowed)
    ]


def satisfied(expression, allowed):
    """Whether an SPDX expression can be met with the allowed licences."""
    tokens = re.findall(r"\(|\)|[^()\s]+", expression.replace("/", " OR "))
    return bool(tokens) and alternatives(tokens, allowed) and not tokens


def alternatives(tokens, allowed):
    met = parts(tokens, allowed)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        met = parts(tokens, allowed) or met
    return met


def parts(tokens, allowed):
    met = part(tokens, allowed)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        met = part(tokens, allowed) and met
    return met


def part(tokens, allowed):
    word = tokens.pop(0)
    if word == "(":
        met = alternatives(tokens, allowed)
        tokens.pop(0)
        return met
    if tokens[:1] == ["WITH"]:
        word = f"{word} WITH {tokens[1]}"
        del tokens[:2]
    return word in allowed


def sources(packages):
    strangers = [p for p in packages if p["source"] and not p["source"].startswith("registry+")]
    return [f"{p['name']} {p['version']} comes from {p['source']}, not from the registry" for p in strangers]


if __name__ == "__main__":
    sys.exit(main())
