"""A client that shares nothing with tidecast but KEDA's .proto: asks what it is told to on standard input, a JSON object a
line, and prints each answer as a line of JSON.

keda_client.py PROTO ADDRESS [CA [CERT KEY]]
{"call": "GetMetrics", "metadata": {"workload": "shop"}, "metric": "shop-replicas"}
"""
import importlib
import json
import sys
import tempfile
from pathlib import Path

import grpc
from google.protobuf.json_format import MessageToDict
from grpc_tools import protoc

STREAMS = {"StreamIsActive", "StreamMetricSpec"}


def modules(proto):
    folder = tempfile.mkdtemp()
    proto = Path(proto)
    arguments = ["protoc", f"-I{proto.parent}", f"--python_out={folder}", f"--grpc_python_out={folder}", str(proto)]
    assert protoc.main(arguments) == 0
    sys.path.insert(0, folder)
    return importlib.import_module("externalscaler_pb2"), importlib.import_module("externalscaler_pb2_grpc")


def channel(address, ca=None, cert=None, key=None):
    if ca is None:
        return grpc.insecure_channel(address)
    read = lambda path: path and Path(path).read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(read(ca), read(key), read(cert)))


def answer(messages, stub, asked):
    ref = messages.ScaledObjectRef(name="checkout", namespace="shop", scalerMetadata=asked["metadata"])
    call = getattr(stub, asked["call"])
    request = ref
    if asked["call"] == "GetMetrics":
        request = messages.GetMetricsRequest(scaledObjectRef=ref, metricName=asked.get("metric", ""))
    try:
        if asked["call"] in STREAMS:
            came = call(request, timeout=asked.get("within", 5))
            found = next(came)
            came.cancel()
        else:
            found = call(request, timeout=asked.get("within", 5))
        return {"ok": MessageToDict(found, always_print_fields_with_no_presence=True)}
    except grpc.RpcError as error:
        return {"code": error.code().name, "said": error.details()}


def main(proto, address, *tls):
    messages, stubs = modules(proto)
    stub = stubs.ExternalScalerStub(channel(address, *tls))
    for line in sys.stdin:
        print(json.dumps(answer(messages, stub, json.loads(line))), flush=True)


main(*sys.argv[1:])
