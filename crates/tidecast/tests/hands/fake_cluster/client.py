"""The official Python client at work on the fake cluster; prints a word for each thing that went as with a real one."""

import threading

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

config.load_kube_config()
apps, core = client.AppsV1Api(), client.CoreV1Api()


def refused(call):
    try:
        call()
    except ApiException as refusal:
        return refusal
    raise AssertionError("it should have been refused")


def config_map(name):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name))


web = apps.list_namespaced_deployment("default").items[0]
assert web.metadata.name == "web" and web.spec.template.spec.containers[0].resources.requests == {"cpu": "500m"}
print("list")

for n in range(5):
    core.create_namespaced_config_map("default", config_map(f"map-{n}"))
first = core.list_namespaced_config_map("default", limit=2)
rest = core.list_namespaced_config_map("default", limit=9, _continue=first.metadata._continue)
assert [one.metadata.name for one in first.items + rest.items] == [f"map-{n}" for n in range(5)]
print("page")

apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 4}})
scale = apps.read_namespaced_deployment_scale("web", "default")
assert scale.spec.replicas == 4 and scale.status.selector == "app=web"
print("scale")

refusal = refused(lambda: apps.replace_namespaced_deployment("web", "default", web))
assert refusal.status == 409 and '"reason":"Conflict"' in refusal.body
print("conflict")

mine = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}}
APPLY = "application/apply-patch+yaml"


def apply(force):
    return apps.patch_namespaced_deployment("web", "default", mine, field_manager="python", force=force, _content_type=APPLY)


assert refused(lambda: apply(False)).status == 409
owners = apply(True).metadata.managed_fields
assert any(one.manager == "python" and one.operation == "Apply" for one in owners)
print("apply")

version = core.list_namespaced_config_map("default").metadata.resource_version


def write():
    for n in range(20):
        core.patch_namespaced_config_map("map-0", "default", {"data": {"n": str(n)}})
    core.delete_namespaced_config_map("map-0", "default")


writer = threading.Thread(target=write)
writer.start()
seen = []
for event in watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=30):
    seen.append((event["type"], (event["object"].data or {}).get("n")))
    if event["type"] == "DELETED":
        break
writer.join()
assert seen == [("MODIFIED", str(n)) for n in range(20)] + [("DELETED", "19")], seen
print("watch")

missing = refused(lambda: core.read_namespaced_config_map("map-0", "default"))
assert missing.status == 404 and missing.reason == "Not Found"
print("gone")

side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}
both = apps.patch_namespaced_deployment("web", "default", side).spec.template.spec.containers
assert sorted(one.name for one in both) == ["main", "side"]
print("strategic")

core.delete_collection_namespaced_config_map("default")
assert core.list_namespaced_config_map("default").items == []
print("delete")
