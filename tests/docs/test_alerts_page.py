"""docs/alerts.md: its settings are read, its receiver believes our daemon and nobody else."""

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunewright.daemon.alerts.file import AlertsFile, read_alerts_file
from tunewright.daemon.alerts.signature import read_keys, signed_headers
from tunewright.daemon.alerts.webhook import DeliveryError, destination, post

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
BODY = b'{"data":{"message":"row 7 is empty","severity":"critical"},"type":"run_failed"}'


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    return found.group(1)


def test_settings_of_the_page_are_read(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    for name, content in (("oncall", KEY), ("mlops", KEY), ("oncall-path", "T0/B1")):
        path = tmp_path / "keys" / name
        path.write_text(content)
        path.chmod(0o600)
    (tmp_path / "alerts.yaml").write_text(block("yaml alerts").replace("/usr/local/bin/page", "/bin/true"))
    found = read_alerts_file(tmp_path / "alerts.yaml")
    assert set(found.sinks) == {"oncall", "mlops", "pager"}
    assert found.figures_watched("search", "any")


def test_every_setting_is_in_the_table() -> None:
    written = set(re.findall(r"^\| `([\w.]+)` \|", PAGE, flags=re.MULTILINE))
    fields = AlertsFile.model_fields
    assert {name for name in fields if name not in ("api_version", "sinks")} <= written
    assert {"sinks.NAME.projects", "sinks.NAME.severity", "sinks.NAME.command.argv"} <= written


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "oncall.key").write_text(KEY)
    (tmp_path / "receiver.py").write_text(block("python receiver").replace("8080", str(port)))
    process = subprocess.Popen(
        [sys.executable, "-P", "receiver.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{port}/", process
    finally:
        process.kill()
        process.wait()


def send(url: str, *, seconds: int, body: bytes = BODY, signed: bytes = BODY) -> None:
    headers = signed_headers(read_keys(KEY), "alert_1", seconds, signed)
    deadline = time.monotonic() + 30
    while True:
        try:
            return asyncio.run(post(destination(url), headers, body, authority=None, timeout_seconds=5))
        except DeliveryError as error:
            if "no connection" not in str(error) or time.monotonic() > deadline:
                raise


def test_receiver_of_the_page(receiver: "tuple[str, subprocess.Popen[str]]") -> None:
    url, process = receiver
    now = int(time.time())
    send(url, seconds=now)
    send(url, seconds=now)
    with pytest.raises(DeliveryError, match="401"):
        send(url, seconds=now - 301)
    with pytest.raises(DeliveryError, match="401"):
        send(url, seconds=now, body=BODY.replace(b"7", b"8"))
    process.kill()
    assert process.stdout is not None
    assert process.stdout.read() == "critical run_failed row 7 is empty\n", "told twice, printed once"
