"""Ask a program on this machine one question over HTTP, with an end to everything: address, time and answer are what a
runner says, or sends as slowly as it likes.
"""

import http.client
import io
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Place:
    """A host and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `content` is cut off at the bound that the question had."""

    status: int
    content: bytes


def place_of(address: str) -> Place | None:
    """Return where an `http` address leads, None for what is no such address."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        return None
    return Place(host, port) if host else None


def ask(place: Place, path: str, *, seconds: float, most_bytes: int = 0) -> Answer | None:
    """Return the answer to `GET path`, None where it has not come within the time, from connecting to its last byte."""
    deadline = time.monotonic() + seconds
    connection = http.client.HTTPConnection(place.host, place.port, timeout=max(0.0, seconds))
    try:
        connection.request("GET", path)
        with http.client.HTTPResponse(_Timed(connection.sock, deadline), method="GET") as answer:  # type: ignore[arg-type]
            answer.begin()
            return Answer(answer.status, answer.read(most_bytes) if most_bytes else b"")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


class _Timed(io.RawIOBase):
    """The receiving half of a connection: a socket's own timeout begins anew with every byte, this one does not."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what `http.client` reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)
