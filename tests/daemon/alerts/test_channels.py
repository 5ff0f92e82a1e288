"""Webhooks and commands that behave badly: each try ends in time and says why."""

import asyncio
import sys
import time
from pathlib import Path

import pytest
from harness.receiver import receiving

from tunewright.daemon.alerts.command import hand_over
from tunewright.daemon.alerts.settings import Command
from tunewright.daemon.alerts.webhook import DeliveryError, destination, post


def send(url: str, timeout_seconds: float = 5.0) -> None:
    asyncio.run(post(destination(url), {}, b"{}", authority=None, timeout_seconds=timeout_seconds))


@pytest.mark.parametrize(
    ("status", "words", "final"),
    [(500, "it answers 500", False), (302, "redirection", False), (404, "it answers 404", False), (410, "410", True)],
)
def test_anything_but_success_is_a_failure(status: int, words: str, final: bool) -> None:
    with receiving(0, status) as receiver, pytest.raises(DeliveryError, match=words) as caught:
        send(receiver.url)
    assert caught.value.final is final
    assert len(receiver.received) == 1, "a redirection was followed"


def test_receiver_that_never_answers_costs_its_time_and_no_more() -> None:
    with receiving(0, 0) as receiver:
        began = time.monotonic()
        with pytest.raises(DeliveryError, match=r"no answer within 0\.3 s"):
            send(receiver.url, 0.3)
        assert time.monotonic() - began < 3
        receiver.release.set()


@pytest.mark.parametrize(("said", "words"), [(b"SSH-2.0\r\n", "no HTTP"), (b"x" * 100_000, "no HTTP"), (b"", "closed")])
def test_what_speaks_no_http(said: bytes, words: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(said)
        writer.close()

    async def talk() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            await post(destination(url), {}, b"{}", authority=None, timeout_seconds=5)

    with pytest.raises(DeliveryError, match=words):
        asyncio.run(talk())


@pytest.mark.parametrize(
    "url",
    ["https://169.254.169.254/latest", "https://[fe80::1]/", "https://[::ffff:169.254.169.254]/", "https://0.0.0.0/"],
)
def test_addresses_of_clouds_and_of_everybody_are_never_told(url: str) -> None:
    with pytest.raises(DeliveryError, match="alerts never go to"):
        send(url)


def test_plain_http_to_an_encrypted_port_is_no_delivery() -> None:
    with receiving() as receiver, pytest.raises(DeliveryError, match="no encrypted connection"):
        send(receiver.url.replace("http://", "https://"))
    assert receiver.received == []


def shell(script: str, timeout_seconds: float = 5.0) -> Command:
    return Command(argv=("/bin/sh", "-c", script), timeout_seconds=timeout_seconds)


def test_commands_that_fail_hang_or_talk_too_much(tmp_path: Path) -> None:
    asyncio.run(hand_over(shell(f"cat > {tmp_path}/got"), "alert_1", b'{"a":1}'))
    assert (tmp_path / "got").read_bytes() == b'{"a":1}'
    asyncio.run(hand_over(shell("yes err | head -c 3000000 >&2"), "alert_1", b"x" * 300_000))
    with pytest.raises(DeliveryError, match="it ended with 3"):
        asyncio.run(hand_over(shell("exit 3"), "alert_1", b"{}"))
    with pytest.raises(DeliveryError, match=r"did not end within 0\.3 s"):
        asyncio.run(hand_over(shell(f"(sleep 60; touch {tmp_path}/late) & sleep 60", 0.3), "alert_1", b"{}"))
    with pytest.raises(DeliveryError, match="can't be started") as caught:
        asyncio.run(hand_over(Command(argv=(f"{sys.executable}-nope",), timeout_seconds=5), "alert_1", b"{}"))
    assert sys.executable not in str(caught.value), "viewers see it, and where the site's files lie is not theirs"
    assert f"{sys.executable}-nope: No such file" in caught.value.whole
