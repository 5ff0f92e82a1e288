"""Many watchers of one run: how many messages a second reach them all, and how late the event of a runner does."""

import asyncio
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from control_plane.bare import FLOOD, bare_server, flood_request
from control_plane.processes import Daemon, daemon, end_runs, wait_until
from control_plane.stored import a_plan, add_runs, opened
from control_plane.table import Row, milliseconds, percentile
from control_plane.world import make_world

from tunewright.proto.v1 import run_service_pb2 as wire

WATCHERS, LOG_EVENTS, TURNS = 500, 3000, 3
EVENTS_PER_SECOND, SECONDS = 25, 6.0
PROMISED_MESSAGES, PROMISED_EVENTS, PROMISED_SECONDS = 10_000, 10_000, 0.250
#: How many watchers look into what they get: decoding for all of them would make the client the limit.
_DECODING = 25
_WATCH = "/tunewright.v1.RunService/WatchRun"
_EMIT = Path(__file__).with_name("emitting_runner.py")

Stream = Any


@dataclass(slots=True)
class _Seen:
    """What arrived: events of watchers that decode, and how long after the runner had written them."""

    events: int = 0
    delays: list[float] = field(default_factory=list)


def measure(folder: Path) -> Iterator[Row]:
    """Let all of them read one log at once, then follow a run that goes on."""
    world = make_world(folder, f'exec {shlex.quote(sys.executable)} -I -S {_EMIT} "$BUNDLE" {EVENTS_PER_SECOND}')
    with opened(world) as database:
        (run,) = add_runs(database, a_plan(), ended=1, open_=0, entries=LOG_EVENTS)
    with daemon(world) as running, bare_server(folder) as target:
        request = wire.WatchRunRequest(name=f"runs/{run}").SerializeToString()
        first, count = asyncio.run(_messages(running.target, _WATCH, request))
        ours = raw = 0.0
        for _ in range(TURNS):
            ours = max(ours, asyncio.run(_rate(running.target, _WATCH, request)))
            raw = max(raw, asyncio.run(_rate(target, FLOOD, flood_request(count, first))))
        yield Row(
            what=f"{WATCHERS} watchers, messages in all",
            measured=f"{ours:,.0f}/s",
            raw=f"{raw:,.0f}/s (bare gRPC, same messages)",
            ratio=ours / raw,
            promised=f">= {PROMISED_MESSAGES:,}/s",
            kept=ours >= PROMISED_MESSAGES,
        )
        yield from _live(running)


def _live(running: Daemon) -> Iterator[Row]:
    with running.client() as client:
        run = client.create_run(running.world.source("live")).run.id
        wait_until(lambda: client.get_run(run).run.steps[0].state == "running")
        before = running.cpu_seconds()
        seen, seconds = asyncio.run(_follow(running.target, run))
        busy = (running.cpu_seconds() - before) / seconds
        end_runs(client, [run])
    rate = seen.events / seconds * WATCHERS / _DECODING
    yield Row(
        what=f"{WATCHERS} watchers of a live run, events in all",
        measured=f"{rate:,.0f}/s ({busy:.0%} of a processor)",
        raw=f"{EVENTS_PER_SECOND * WATCHERS:,}/s (written by the runner)",
        ratio=rate / EVENTS_PER_SECOND / WATCHERS,
        promised=f">= {PROMISED_EVENTS:,}/s",
        kept=rate >= PROMISED_EVENTS,
    )
    late = percentile(seen.delays, 0.95)
    yield Row(
        what=f"{WATCHERS} watchers, runner's event to client, p95",
        measured=f"{milliseconds(late)} (p50 {milliseconds(percentile(seen.delays, 0.5))})",
        promised=f"<= {milliseconds(PROMISED_SECONDS)}",
        kept=late <= PROMISED_SECONDS,
    )


async def _messages(target: str, method: str, request: bytes) -> tuple[bytes, int]:
    """Return the first message of a stream, and how many it has."""
    async with grpc.aio.insecure_channel(target) as channel:
        found = [message async for message in channel.unary_stream(method)(request)]
    return found[0], len(found)


async def _rate(target: str, method: str, request: bytes) -> float:
    """Return messages a second when everybody reads one stream to its end, undecoded."""

    async def read(stream: Stream) -> int:
        return sum([1 async for _ in stream])

    async with grpc.aio.insecure_channel(target) as channel:
        started = time.perf_counter()
        counts = await asyncio.gather(*(read(channel.unary_stream(method)(request)) for _ in range(WATCHERS)))
        return sum(counts) / (time.perf_counter() - started)


async def _follow(target: str, run: str) -> tuple[_Seen, float]:
    """Return what watchers of a live run saw once all of them had come up to the present, and for how many seconds."""
    seen, open_streams = _Seen(), 0
    beginning: list[float] = []

    async def watch(stream: Stream, read: Callable[[Any], None]) -> None:
        nonlocal open_streams
        fresh = True
        async for message in stream:
            open_streams, fresh = open_streams + fresh, False
            if beginning:
                read(message)

    def decoded(message: wire.WatchRunResponse) -> None:
        now = time.time_ns()
        for event in message.events:
            seen.events += 1
            seen.delays.append((now - event.time.ToNanoseconds()) / 1e9)

    request = wire.WatchRunRequest(name=f"runs/{run}").SerializeToString()
    async with grpc.aio.insecure_channel(target) as channel:
        decoding = channel.unary_stream(_WATCH, response_deserializer=wire.WatchRunResponse.FromString)
        blind = channel.unary_stream(_WATCH)
        tasks = [asyncio.create_task(watch(decoding(request), decoded)) for _ in range(_DECODING)]
        tasks += [asyncio.create_task(watch(blind(request), len)) for _ in range(WATCHERS - _DECODING)]
        while open_streams < WATCHERS:
            await asyncio.sleep(0.05)
        beginning.append(time.perf_counter())
        await asyncio.sleep(SECONDS)
        seconds = time.perf_counter() - beginning.pop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return seen, seconds
