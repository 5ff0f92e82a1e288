"""Events a second out of a long log: a watch from its beginning, and pages of it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from control_plane.bare import FLOOD, bare_server, flood_request
from control_plane.processes import daemon
from control_plane.stored import a_plan, add_runs, opened
from control_plane.table import Row
from control_plane.world import make_world

from tunewright.proto.v1 import run_service_pb2 as wire
from tunewright.proto.v1 import run_service_pb2_grpc

EVENTS, TURNS = 100_000, 3
PROMISED = 100_000
_PAGE = 1000
_OPTIONS = (("grpc.max_receive_message_length", 64 * 1024 * 1024),)


def measure(folder: Path) -> Iterator[Row]:
    """Read one log of many events, in turn with a bare server that sends messages like those of the watch."""
    world = make_world(folder, "exit 1")
    with opened(world) as database:
        (run,) = add_runs(database, a_plan(), ended=1, open_=0, entries=EVENTS)
    watched = paged = raw = 0.0
    with (
        daemon(world) as running,
        bare_server(folder) as target,
        grpc.insecure_channel(running.target, options=_OPTIONS) as channel,
        grpc.insecure_channel(target) as bare,
    ):
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        first = next(iter(stub.WatchRun(wire.WatchRunRequest(name=f"runs/{run}"))))
        request = flood_request(EVENTS // len(first.events), first.SerializeToString())
        flood = bare.unary_stream(FLOOD, response_deserializer=wire.WatchRunResponse.FromString)
        for _ in range(TURNS):
            watched = max(watched, _rate(lambda: stub.WatchRun(wire.WatchRunRequest(name=f"runs/{run}"))))
            paged = max(paged, _rate(lambda: _pages(stub, run)))
            raw = max(raw, _rate(lambda: flood(request)))
    for what, rate in (("a watch from the beginning", watched), (f"pages of {_PAGE}", paged)):
        yield Row(
            what=f"events of a log, {what}",
            measured=f"{rate:,.0f}/s",
            raw=f"{raw:,.0f}/s (bare gRPC, same messages)",
            ratio=rate / raw,
            promised=f">= {PROMISED:,}/s",
            kept=rate >= PROMISED,
        )


def _pages(stub: Any, run: str) -> Iterator[wire.ListRunEventsResponse]:
    token = ""
    while True:
        answer = stub.ListRunEvents(wire.ListRunEventsRequest(parent=f"runs/{run}", page_size=_PAGE, page_token=token))
        yield answer
        if not (token := answer.next_page_token):
            return


def _rate(read: Callable[[], Any]) -> float:
    started = time.perf_counter()
    events = sum(len(answer.events) for answer in read())
    return events / (time.perf_counter() - started)
