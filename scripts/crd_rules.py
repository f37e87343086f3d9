#!/usr/bin/env python3
"""Asks a foreign implementation of CEL what the rules of our resource say of specs: crd_rules.py CRD.yaml

Patterns and bounds are looked at as the API server does: each only where a value of its kind stands."""

import re
import sys

import celpy
import yaml

ENV = celpy.Environment()

WORKLOAD = {"target": {"type": "kubernetes", "name": "web"}, "demand": {"source": "main"}, "maxReplicas": 9}

# What is changed in a sound spec, and a part of what is said of it; None where nothing may be said.
CASES = [
    ({}, None),
    ({"minReplicas": 9}, None),
    ({"minReplicas": 10}, "TIDE0114"),
    ({"minReplicas": 0, "mode": "full"}, None),
    ({"maxReplicas": 0}, "maxReplicas"),
    ({"mode": "sometimes"}, "mode"),
    ({"target": {"type": "kubernetes"}}, "needs `name`"),
    ({"target": {"type": "kubernetes", "name": "web", "namespace": "shop"}}, None),
    ({"target": {"type": "kubernetes", "name": "web", "group": "g"}}, "`group` belongs to the type asg"),
    ({"target": {"type": "keda", "name": "web"}}, None),
    ({"target": {"type": "keda", "name": "web", "action": "trigger"}}, None),
    ({"target": {"type": "asg", "group": "g", "region": "r", "action": "direct"}}, None),
    ({"target": {"type": "keda", "name": "web", "action": "sometimes"}}, "action"),
    ({"target": {"type": "asg", "group": "g"}}, "needs `region`"),
    ({"target": {"type": "asg", "group": "g", "region": "r", "namespace": "shop"}}, "`namespace` belongs"),
    ({"target": {"type": "asg", "group": "g", "region": "r"}}, None),
    ({"target": {"type": "webhook", "url": "https://x", "secret": {"file": "k"}}}, None),
    ({"target": {"type": "webhook", "url": "https://x", "secret": {"file": "k", "env": "K"}}}, "exactly one"),
    ({"target": {"type": "none"}}, None),
    # Rules see no field without a type: that `sight` belongs to webhooks is found when the resource is read.
    ({"target": {"type": "none", "sight": "https://x"}}, None),
    ({"target": {}}, "type"),
    ({"capacity": {"perReplica": "auto"}}, None),
    ({"capacity": {"perReplica": 41.5}}, None),
    ({"capacity": {"perReplica": 0}}, "perReplica"),
    ({"capacity": {"perReplica": "41"}}, "perReplica"),
    ({"startTime": "auto"}, None),
    ({"startTime": "1h30m"}, None),
    ({"startTime": "240"}, "startTime"),
    ({"startTime": 240}, "startTime"),
    ({"buffer": "10%"}, None),
    ({"buffer": 2}, None),
    ({"buffer": {"percent": "10%", "replicas": 2}}, None),
    ({"buffer": "much"}, "buffer"),
    ({"objective": "99.9%"}, None),
    ({"objective": 0.999}, None),
    ({"objective": 99}, "objective"),
    ({"serviceLevel": "auto"}, None),
    ({"behavior": {"scaleUp": {"rate": {"replicas": 10}}}}, "per"),
    ({"drain": {}}, None),
    ({"drain": {"sessions": "s", "order": "fewestFirst", "deadline": "never", "freshFor": "2m"}}, None),
    ({"drain": {"deadline": "6h"}}, None),
    ({"drain": {"deadline": "nightly"}}, "deadline"),
    ({"drain": {"order": "lastFirst"}}, "order"),
    ({"drain": {}, "target": {"type": "kubernetes", "kind": "Rollout", "name": "sfu"}}, None),
    ({"drain": {}, "target": {"type": "kubernetes", "kind": "StatefulSet", "name": "sfu"}}, "TIDE0190"),
    ({"drain": {}, "target": {"type": "asg", "group": "g", "region": "r", "action": "direct"}}, None),
    ({"drain": {}, "target": {"type": "asg", "group": "g", "region": "r", "action": "schedule"}}, "TIDE0190"),
    ({"drain": {}, "target": {"type": "asg", "group": "g", "region": "r"}}, "TIDE0190"),
    ({"drain": {}, "target": {"type": "keda", "name": "sfu"}}, "TIDE0190"),
    ({"drain": {}, "target": {"type": "none"}}, None),
]

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def mistakes(schema, value, path):
    kind = schema.get("type")
    if kind and not isinstance(value, TYPES[kind]):
        yield f"{path}: not a {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: not one of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path}: does not match {schema['pattern']}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None and (value < low or (value == low and schema.get("exclusiveMinimum"))):
            yield f"{path}: below {low}"
        if high is not None and value > high:
            yield f"{path}: above {high}"
    if isinstance(value, dict):
        yield from (f"{path}: {key} is missing" for key in schema.get("required", []) if key not in value)
        for key, inner in value.items():
            known = schema.get("properties", {}).get(key)
            if known:
                yield from mistakes(known, inner, f"{path}.{key}")
            elif "properties" in schema:
                yield f"{path}: unknown field {key}"
    for rule in schema.get("x-kubernetes-validations", []):
        try:
            program = ENV.program(ENV.compile(rule["rule"].replace("__namespace__", "namespace_")))
            self = {("namespace_" if key == "namespace" else key): inner for key, inner in value.items()}
            if not program.evaluate({"self": celpy.json_to_cel(self)}):
                yield f"{path}: {rule['message']}"
        except celpy.CELEvalError as error:
            yield f"{path}: {rule['rule']} cannot be told: {error}"


def main():
    crd = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    failed = 0
    for change, expected in CASES:
        found = list(mistakes(spec, {**WORKLOAD, **change}, "spec"))
        well = any(expected in one for one in found) if expected else not found
        failed += not well
        if not well:
            print(f"{change}: {found or 'nothing'} where {expected or 'nothing'} is expected")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
