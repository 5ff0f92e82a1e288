"""The commands of docs/access.md run, in order, as they stand there."""

import os
import pwd
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import tunewright
from tunewright.client.api import connect
from tunewright.client.errors import ClientError
from tunewright.client.local import socket_target
from tunewright.daemon.access.file import read_access_file

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def shell() -> Iterator["Shell"]:
    # Not pytest's folder: with its workers' names in it, it is too long for the sockets of the page.
    with TemporaryDirectory(prefix="page-") as folder:
        shell = Shell(Path(folder))
        yield shell
        shell.stop_daemons()


class Shell:
    """Runs the page's lines in a folder, with ports that are free here and this machine in place of `gpu1.example`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.log = folder, folder / "home", folder / "daemon.log"
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.words = {
            "gpu1.example": "localhost",
            "7419": str(free_port()),
            "7420": str(free_port()),
            "/srv/support": str(folder),
            "/run/tunewright": str(folder),
            "{anna:": f"{{{pwd.getpwuid(os.getuid()).pw_name}:",
        }
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(Path(tunewright.__file__).parents[1]),
            "TUNEWRIGHT_HOME": str(self.home),
            "TUNEWRIGHT_CONTEXTS": str(folder / "contexts.yaml"),
        }

    def here(self, text: str) -> str:
        """Return a text of the page as it is said on this machine."""
        for word, own in self.words.items():
            text = text.replace(word, own)
        return text

    def run(self, line: str) -> str:
        """Run one line and return what it printed; a daemon goes on."""
        arguments = shlex.split(self.here(line))
        assert arguments[0] == "tunewright"
        command = [sys.executable, "-P", "-m", "tunewright", *arguments[1:]]
        if arguments[1] == "daemon":
            with self.log.open("a", encoding="utf-8") as log:
                process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stderr=log)
            self.daemons.append(process)
            self._wait_for(process)
            return ""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stop_daemons(self) -> None:
        """Stop what goes on."""
        for process in self.daemons:
            process.terminate()
            process.wait(30)
        self.daemons.clear()

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with connect(socket_target(self.home)) as client:
                    client.server_info(timeout_seconds=1.0)
                    return
            except ClientError:
                time.sleep(0.05)
        pytest.fail("the daemon of the page did not start: " + self.log.read_text(encoding="utf-8"))


def test_the_pages_commands_run(shell: Shell) -> None:
    said: dict[str, str] = {}
    found: list[str] = []
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "yaml":
            if "callers: users" in text:
                seen_by_others(shell)
                shell.stop_daemons()
            if "/etc/pki" not in text:
                (shell.folder / "access.yaml").write_text(shell.here(text))
            continue
        if "access certificate revoke" in text:
            # From here on it is the administrator, on the daemon's machine, who types.
            shell.run("tunewright access context use")
        for line in text.splitlines():
            said[line] = shell.run(line)
            if "whoami" in line:
                found.append(said[line])
    assert "anna  (by certificate" in found[0]
    assert "submitter in project support" in found[0]
    assert "ci  (by token" in found[1]
    assert "anna@bank.example  (by user" in found[-1]
    log = said["tunewright access log"]
    assert "token_created  otto" in log
    assert "identity_blocked" in log


def seen_by_others(shell: Shell) -> None:
    """Everything was taken back by now: Anna's certificate leads nowhere."""
    refused = subprocess.run(
        [sys.executable, "-P", "-m", "tunewright", "runs", "--context", "gpu1"],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 3
    assert "the certificate was revoked" in refused.stderr


def test_the_pages_access_files_are_sound(tmp_path: Path) -> None:
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "yaml":
            path = tmp_path / "access.yaml"
            path.write_text(text)
            assert read_access_file(path).listen
