"""What goes on beside the calls does not end in silence."""

import asyncio
import logging

import pytest

from tunewright.daemon.errors import RefusedError
from tunewright.daemon.keepers import Keepers
from tunewright.daemon.services.open_streams import OpenStream, OpenStreams
from tunewright.daemon.store.database import StorageFullError


def test_one_that_fails_is_said_to_have_and_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    troubles = [ValueError("a bug"), StorageFullError("the disk is full")]
    begun, done = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if troubles:
            raise troubles.pop(0)
        done.set()

    async def whole() -> None:
        keepers = Keepers(pause_seconds=0)
        keepers.start("devices", work)
        await asyncio.wait_for(done.wait(), 10)
        keepers.cancel()
        await keepers.ended()

    asyncio.run(whole())
    assert begun == 3
    assert [(item.levelname, bool(item.exc_info)) for item in caplog.records] == [("ERROR", True), ("WARNING", False)]


def test_all_end_when_asked() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def whole() -> None:
        keepers = Keepers()
        keepers.start("work", work)
        await asyncio.sleep(0)
        keepers.cancel()
        await keepers.ended()

    asyncio.run(whole())
    assert ended == ["work"]


def test_a_stream_that_can_not_be_asked_about_keeps_no_other_one_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tunewright.daemon.services.open_streams.LOOK_SECONDS", 0.0)

    async def broken() -> None:
        raise OSError("no descriptors")

    async def revoked() -> None:
        raise RefusedError("PERMISSION_DENIED", "not any more")

    async def follow(streams: OpenStreams, again: OpenStream | object) -> None:
        with streams.open(again):  # type: ignore[arg-type]
            await asyncio.Event().wait()

    async def whole() -> None:
        streams = OpenStreams()
        stays, goes = (asyncio.create_task(follow(streams, again)) for again in (broken, revoked))
        looking = asyncio.create_task(streams.keep())
        await asyncio.wait({goes}, timeout=10)
        assert (goes.cancelled(), stays.done(), looking.done()) == (True, False, False)
        for task in (stays, looking):
            task.cancel()

    with caplog.at_level(logging.ERROR):
        asyncio.run(whole())
    assert "asking again" in caplog.text
