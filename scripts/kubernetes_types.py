#!/usr/bin/env python3
"""Writes crates/world/src/kubernetes/types.json: the types of Kubernetes' API that the fake cluster serves.

They come from the OpenAPI document of Kubernetes (Apache-2.0) as the Python package kubernetes-validate carries it:
fields, types, what is required, and how lists merge; not the descriptions. One type a line, so that a diff can be read.

    pip download --no-deps kubernetes-validate==1.37.0 && unzip -q kubernetes_validate-*.whl
    scripts/kubernetes_types.py kubernetes_validate/kubernetes-json-schema/v1.36.0-local/_definitions.json
"""

import json
import pathlib
import sys

TARGET = pathlib.Path(__file__).parent.parent / "crates/world/src/kubernetes/types.json"
CORE = "Namespace Pod ConfigMap Secret ServiceAccount Event Node Service ReplicationController".split()
ROOTS = [f"io.k8s.api.core.v1.{kind}" for kind in CORE] + [
    *(f"io.k8s.api.apps.v1.{kind}" for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision")),
    "io.k8s.api.events.v1.Event",
    "io.k8s.api.coordination.v1.Lease",
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
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
    print(f"{len(kept)} types, {TARGET.stat().st_size} bytes")


main()
