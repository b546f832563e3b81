"""A client made from proto/ alone, as somebody would who has never seen the server's code.

    client.py STUBS DEFINITION CONTAINER VERSION DIGEST [PID]

STUBS is a directory with what `grpc_tools.protoc` makes of proto/. The server is TOWPATH_SERVER, the
token TOWPATH_TOKEN; TOWPATH_CA is a file with the certificate to trust. With the server's PID its
memory is judged too. Prints one line per promise and ends with 1 at the first that is broken.
"""

import asyncio
import collections
import os
import sys
import uuid

import grpc

STUBS, DEFINITION, CONTAINER, VERSION, DIGEST = sys.argv[1:6]
PID = sys.argv[6] if len(sys.argv) > 6 else None
sys.path.insert(0, STUBS)

from towpath.delivery.v1 import service_pb2 as pb  # noqa: E402
from towpath.delivery.v1 import service_pb2_grpc as rpc  # noqa: E402

PARALLEL = 10_000
MOST_MEMORY = 300 * 1024
CODE = grpc.StatusCode


def channel(index=0):
    scheme, address = os.environ["TOWPATH_SERVER"].rstrip("/").split("://")
    # Without this option all channels to one address would share a connection.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.channel_id", index)]
    if scheme == "http":
        return grpc.aio.insecure_channel(address, options=options)
    with open(os.environ["TOWPATH_CA"], "rb") as file:
        trust = grpc.ssl_channel_credentials(file.read())
    return grpc.aio.secure_channel(address, trust, options=options)


def metadata(key=None):
    found = [("authorization", "Bearer " + os.environ["TOWPATH_TOKEN"])]
    return found + ([("idempotency-key", key)] if key else [])


def report(**changes):
    fields = {
        "definition": DEFINITION,
        "container": CONTAINER,
        "version": VERSION,
        "digest": DIGEST,
        "release_type": "LATEST",
    }
    return pb.ReportBuildRequest(**{**fields, **changes})


def check(holds, promise, *evidence):
    if not holds:
        print("BROKEN", promise, *evidence)
        sys.exit(1)
    print("holds:", promise)


async def code_of(call):
    try:
        await call
        return CODE.OK
    except grpc.aio.AioRpcError as error:
        return error.code()


async def idempotency(stub):
    key = str(uuid.uuid4())
    missing = await code_of(stub.ReportBuild(report(), metadata=metadata()))
    check(missing == CODE.INVALID_ARGUMENT, "a missing key is INVALID_ARGUMENT", missing)
    first = await stub.ReportBuild(report(), metadata=metadata(key))
    again = await stub.ReportBuild(report(), metadata=metadata(key))
    same = first.SerializeToString(deterministic=True) == again.SerializeToString(
        deterministic=True
    )
    check(same, "same key and body: identical answer", first, again)
    other = report(version=VERSION + "-other")
    reused = await code_of(stub.ReportBuild(other, metadata=metadata(key)))
    check(reused == CODE.ALREADY_EXISTS, "same key, other body: ALREADY_EXISTS", reused)
    check(len(first.deployments) == 1, "the report opens one deployment", first)
    return first.deployments[0].id


async def following(stub, deployment):
    request = pb.WatchDeploymentsRequest(id=deployment, until_settled=True)
    states = []
    async for update in stub.WatchDeployments(request, metadata=metadata(), timeout=120):
        states.append(update.deployment.state)
    check(states and states[-1] == "SUCCESS", "watching ends with SUCCESS", states)


async def looking(stub, deployment):
    show = pb.ShowDeploymentRequest
    now = await stub.ShowDeployment(show(id=deployment), metadata=metadata())
    check(now.deployment.version == VERSION, "show gives what was reported", now)
    then = show(id=deployment, as_of=f"deployment:{deployment}@1")
    then = await stub.ShowDeployment(then, metadata=metadata())
    check(then.deployment.state == "PENDING", "as of its first commit it was PENDING", then)
    future = show(id=deployment, as_of="2999-01-01T00:00:00Z")
    refused = await code_of(stub.ShowDeployment(future, metadata=metadata()))
    check(refused == CODE.INVALID_ARGUMENT, "the future cannot be asked for", refused)


async def too_much(stub):
    large = report(commit="a" * (5 * 1024 * 1024))
    refused = await code_of(stub.ReportBuild(large, metadata=metadata(str(uuid.uuid4()))))
    check(refused == CODE.RESOURCE_EXHAUSTED, "5 MB are RESOURCE_EXHAUSTED", refused)
    for connections in (1, 50):
        await flood(connections)
    allowed = (CODE.OK,)
    calm = await code_of(stub.ListDeployments(pb.ListDeploymentsRequest(), metadata=metadata()))
    check(calm in allowed, "after that everything is as before", calm)
    calm = await code_of(stub.ReportBuild(report(), metadata=metadata(str(uuid.uuid4()))))
    check(calm in allowed, "and reports are taken again", calm)
    if PID:
        memory = high_water_mark()
        check(memory <= MOST_MEMORY, f"memory stayed at {memory} kB", memory)


async def flood(connections):
    channels = [channel(index) for index in range(connections)]
    stubs = [rpc.DeliveryServiceStub(it) for it in channels]
    request = pb.ListDeploymentsRequest(limit=1)
    calls = [
        code_of(stubs[n % connections].ListDeployments(request, metadata=metadata(), timeout=120))
        for n in range(PARALLEL)
    ]
    codes = collections.Counter(await asyncio.gather(*calls))
    for it in channels:
        await it.close()
    promise = f"{PARALLEL} calls at once over {connections}: some RESOURCE_EXHAUSTED, no other error"
    exact = set(codes) == {CODE.OK, CODE.RESOURCE_EXHAUSTED}
    check(exact, promise, {str(code): count for code, count in codes.items()})


def high_water_mark():
    with open(f"/proc/{PID}/status", encoding="ascii") as status:
        line = next(it for it in status if it.startswith("VmHWM:"))
    return int(line.split()[1])


async def main():
    async with channel() as wire:
        stub = rpc.DeliveryServiceStub(wire)
        deployment = await idempotency(stub)
        await following(stub, deployment)
        await looking(stub, deployment)
        await too_much(stub)


asyncio.run(main())
