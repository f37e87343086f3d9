#!/usr/bin/env python3
"""Writes the types of Kubernetes' API that the fake cluster serves: types.json and tags.txt in crates/world/src/kubernetes.

They come from the OpenAPI document of Kubernetes (Apache-2.0) as the Python package kubernetes-validate carries it:
fields, types, what is required, and how lists merge; not the descriptions. One type a line, so that a diff can be read.

    pip download --no-deps kubernetes-validate==1.37.0 && unzip -q kubernetes_validate-*.whl
    scripts/kubernetes_types.py kubernetes_validate/kubernetes-json-schema/v1.36.0-local/_definitions.json k8s-pb-0.9.0

The numbers of fields in protobuf come from the source of the crate k8s-pb (Apache-2.0); a line for each type, in which
`1:<TYPE` says that the fields of TYPE lie in a message of their own there, and not in JSON.
"""

import json
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).parent.parent / "crates/world/src/kubernetes"
TARGET = FOLDER / "types.json"
CORE = "Namespace Pod ConfigMap Secret ServiceAccount Event Node Service ReplicationController".split()
ROOTS = [f"io.k8s.api.core.v1.{kind}" for kind in CORE] + [
    *(f"io.k8s.api.apps.v1.{kind}" for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision")),
    "io.k8s.api.events.v1.Event",
    "io.k8s.api.coordination.v1.Lease",
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.policy.v1.PodDisruptionBudget",
    "io.k8s.api.policy.v1.Eviction",
    *(f"io.k8s.api.rbac.v1.{kind}" for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")),
    *(f"io.k8s.api.authorization.v1.{kind}" for kind in ("SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview")),
    "io.k8s.api.authentication.v1.SelfSubjectReview",
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
]
# Types that OpenAPI tells by examples of their text only.
TOLD = {"Quantity": {"type": "string", "format": "quantity"}, "IntOrString": {"type": "string", "format": "int-or-string"}}
KEPT = ("type", "format", "properties", "required", "items", "additionalProperties", "$ref", "enum", "default", "x-kubernetes-")


def tidy(node):
    """The node without prose, and without the nulls that only validators need."""
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if not key.startswith(KEPT):
            continue
        if key == "$ref":
            value = "#/components/schemas/" + value.rsplit("/", 1)[1]
        elif key == "type" and isinstance(value, list):
            value = next(one for one in value if one != "null")
        elif key == "enum":
            value = [one for one in value if one is not None]
        elif key == "properties":
            value = {name: tidy(one) for name, one in value.items()}
        elif isinstance(value, dict):
            value = tidy(value)
        out[key] = value
    return out


def refs(node):
    """Names of all types that the node refers to."""
    if isinstance(node, list):
        for one in node:
            yield from refs(one)
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for one in node.values():
            yield from refs(one)


def main():
    known = json.load(open(sys.argv[1]))
    known = known.get("$defs", known.get("definitions"))
    kept, open_ = {}, list(ROOTS)
    while open_:
        name = open_.pop()
        if name not in kept:
            kept[name] = TOLD.get(name.rsplit(".", 1)[1]) or tidy(known[name])
            open_ += refs(kept[name])
    lines = (f"{json.dumps(name)}: {json.dumps(kept[name], separators=(',', ':'), sort_keys=True)}" for name in sorted(kept))
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    tags = list(numbered(pathlib.Path(sys.argv[2]) / "src", kept))
    (FOLDER / "tags.txt").write_text("\n".join(tags) + "\n")
    print(f"{len(kept)} types, {TARGET.stat().st_size} bytes; {len(tags)} of them with numbers")


def numbered(source, types):
    """A line for each type: its name, and `number:field` for each of its fields."""
    open_, done = sorted(types), set()
    while open_:
        name = open_.pop(0)
        if name in done:
            continue
        done.add(name)
        path, struct = name.removeprefix("io.k8s.").replace("-", "_").rsplit(".", 1)
        file = source / path.replace(".", "/") / "mod.rs"
        found = file.exists() and re.search(rf"pub struct {struct} \{{\n(.*?)^\}}", file.read_text(), re.S | re.M)
        if not found:
            continue
        # JSON's names by their letters; what has none there is a part of its parent.
        names = {known.lower().replace("$", ""): known for known in types.get(name, {}).get("properties", {})}
        fields = []
        for tag, field, rust in re.findall(r'#\[prost\([^\]]*?tag = "(\d+)"[^\]]*?\)\]\s*pub (?:r#)?(\w+):\s*([^;]*?),\n', found[1], re.S):
            letters = field.replace("_", "")
            camel = re.sub(r"_(\w)", lambda part: part[1].upper(), field)
            known = names.get(letters) or (camel if name not in types else None)
            part = re.search(r"([\w:]+)>$", "".join(rust.split()))
            if not known and name in types and part and "prost" not in part[1] and part[1].rsplit("::")[-1].lower().endswith(letters):
                known = "<" + place(path, part[1])
                open_.append(known[1:])
            if known:
                fields.append(f"{tag}:{known}")
        yield f"{name} {' '.join(fields)}"


def place(path, rust):
    """The name of a type that another one in `path` calls by its place in Rust."""
    parts = rust.split("::")
    ups = parts.count("super")
    base = path.split(".")
    base = base[: len(base) - ups] if ups else base
    return "io.k8s." + ".".join(base + [part for part in parts if part != "super"]).replace("apiextensions_apiserver", "apiextensions-apiserver")


main()
