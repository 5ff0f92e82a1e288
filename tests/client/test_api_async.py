"""The client for event loops has the methods of the one that waits, and keeps the same promises."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest
from harness.daemons import Daemon, eventually, source_of
from harness.plans import a_plan, a_step, write

from tunewright.client import aio
from tunewright.client.aio import AsyncClient
from tunewright.client.api import Client
from tunewright.client.errors import RefusedError, UnreachableError
from tunewright.client.local import socket_target
from tunewright.client.values import RunEvent

WAIT = {"wait_for": "work/go"}


def public(kind: type) -> dict[str, inspect.Signature]:
    """Return the methods that users call, with their parameters."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {
        name: inspect.signature(method).replace(return_annotation=None)
        for name, method in found
        if not name.startswith("_")
    }


def test_both_clients_take_the_same_calls() -> None:
    assert public(AsyncClient) == public(Client)
    assert {name: (item.__doc__ or "")[:30] for name, item in vars(Client).items() if callable(item) and name[0] != "_"}


def asking(daemon: Daemon, work: Any) -> Any:
    """Run `work` with a client in an event loop."""

    async def run() -> Any:
        async with aio.connect(socket_target(daemon.home)) as client:
            return await work(client)

    return asyncio.run(run())


def test_submit_watch_and_list(daemon: Daemon) -> None:
    async def work(client: AsyncClient) -> tuple[list[str], str, list[str]]:
        created = await client.create_run(source_of(a_plan(a_step("one", [write("f", "x")]))))
        kinds = [event.kind async for event in client.watch(created.run.id)]
        run = (await client.get_run(created.run.id)).run
        return kinds, run.state, [item.step async for item in client.artifacts(run=run.id)]

    kinds, state, made = asking(daemon, work)
    assert (kinds[0], kinds[-1], state, made) == ("run_created", "run_succeeded", "succeeded", ["one"])


def test_refusals_are_the_same(daemon: Daemon) -> None:
    async def work(client: AsyncClient) -> Coroutine[Any, Any, Any] | None:
        with pytest.raises(RefusedError) as caught:
            await client.get_run("nope")
        assert (caught.value.reason, caught.value.metadata) == ("RUN_NOT_FOUND", {"run": "nope"})
        with pytest.raises(RefusedError):
            [item async for item in client.watch("nope")]
        return None

    asking(daemon, work)


def test_nobody_there_is_told_at_once(tmp_path: Any) -> None:
    async def work() -> None:
        async with aio.connect(f"unix:{tmp_path}/daemon.sock") as client:
            with pytest.raises(UnreachableError):
                await asyncio.wait_for(client.server_info(), 5.0)

    asyncio.run(work())


def test_watch_and_calls_go_on_over_a_restart(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [{"emit": {"kind": "phase", "name": "before"}}, WAIT]))).run.id

    async def work(client: AsyncClient) -> list[RunEvent]:
        seen: list[RunEvent] = []
        async for event in client.watch(run):
            seen.append(event)
            if event.kind == "phase":
                await asyncio.to_thread(daemon.kill)
                await asyncio.to_thread(daemon.start)
                await asyncio.to_thread((daemon.bundle(run, "sft") / "work" / "go").touch)
                assert (await client.get_run(run)).run.id == run
        return seen

    seen = asking(daemon, work)
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].kind == "run_succeeded"


def test_log_is_followed(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [{"say": "one"}, WAIT, {"say": "two"}]))).run.id
    eventually(lambda: daemon.client.get_run(run).run.step("sft").state == "running")

    async def work(client: AsyncClient) -> bytes:
        text = b""
        async for chunk in client.logs(run, "sft", follow=True):
            text += chunk.data
            (daemon.bundle(run, "sft") / "work" / "go").touch()
        return text

    assert asking(daemon, work) == b"one\ntwo\n"
