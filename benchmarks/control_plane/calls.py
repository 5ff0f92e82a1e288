"""Short reads: how long one takes over the Unix socket and over mutual TLS, one after another."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
from control_plane.bare import ECHO, bare_server
from control_plane.processes import daemon
from control_plane.table import Row, milliseconds, percentile
from control_plane.tls import add_tls
from control_plane.world import make_world

from tunewright.client.api import connect
from tunewright.proto.v1 import run_service_pb2, run_service_pb2_grpc

CALLS = 1500
_WARM_UP = 100


def measure(folder: Path) -> Iterator[Row]:
    """Read one run again and again."""
    world = make_world(folder, "exit 1")
    credentials, access = add_tls(folder / "site")
    with daemon(world, "--access", str(access)) as running, running.client() as client:
        run = client.create_run(world.source("read")).run.id
        address = client.server_info().addresses[-1]
        request = run_service_pb2.GetRunRequest(name=f"runs/{run}")
        with grpc.insecure_channel(running.target) as channel:
            answer = run_service_pb2_grpc.RunServiceStub(channel).GetRun(request).SerializeToString()
        local = _times(lambda: client.get_run(run))
        with connect(address, credentials=credentials) as remote:
            encrypted = _times(lambda: remote.get_run(run))
    with bare_server(folder) as target, grpc.insecure_channel(target) as channel:
        echo = channel.unary_unary(ECHO)
        bare = _times(lambda: echo(answer))
    for name, times in (("Unix socket", local), ("mutual TLS", encrypted)):
        for share, promise in ((0.5, 0.002), (0.99, 0.020)):
            took, limit = percentile(times, share), percentile(bare, share)
            yield Row(
                what=f"one read, {name}, p{100 * share:.0f}",
                measured=milliseconds(took),
                raw=f"{milliseconds(limit)} (gRPC echo, same bytes)",
                ratio=took / limit,
                promised=f"<= {milliseconds(promise)}",
                kept=took <= promise,
            )


def _times(call: Callable[[], object]) -> list[float]:
    for _ in range(_WARM_UP):
        call()
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times
