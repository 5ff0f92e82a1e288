"""Ask for what the daemon's code alone does: where secrets come from is a matter of the home that they are for."""

import json
import os
import subprocess
import sys
from typing import Any

from tunewright.client import places


class SecretStoreError(RuntimeError):
    """It can't be done; `help` says what to change."""

    def __init__(self, message: str, help: str) -> None:  # noqa: A002 - the word users read
        super().__init__(message)
        self.help = help


def ask(verb: str, *, name: str = "", project: str = "", value: bytes = b"") -> dict[str, Any]:
    """Return the answer to one question; a value goes through a pipe. Raise SecretStoreError."""
    done = _run(verb, name, project, value)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SecretStoreError("the store of secrets gave no answer", done.stderr.decode("utf-8", "replace")) from None
    if "error" in answer:
        raise SecretStoreError(answer["error"], answer["help"])
    return answer


def read(name: str, project: str = "") -> str | None:
    """Return a secret, for a call of our own to a hub; None without one that can be read."""
    done = _run("read", name, project, b"")
    return (done.stdout.decode("utf-8", "replace").strip() or None) if done.returncode == 0 else None


def _run(verb: str, name: str, project: str, value: bytes) -> "subprocess.CompletedProcess[bytes]":
    words = [sys.executable, "-P", "-m", "tunewright.daemon.secrets", "--home", str(places.home())]
    if project:
        words += ["--project", project]
    if (chosen := places.secrets_file()) is not None:
        words += ["--secrets", str(chosen)]
    return subprocess.run([*words, verb, name], input=value, capture_output=True, check=False, env=os.environ)
