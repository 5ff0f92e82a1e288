"""A real webhook receiver on loopback: it remembers what came, and answers as a test wants."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


@dataclass(frozen=True)
class Received:
    """One request: its headers (names in lower case) and body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The message's id."""
        return self.headers["webhook-id"]

    @property
    def message(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """What came so far. `answers`: the statuses of the next requests, then 204; 0 hangs until `release`."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook"

    def take(self, received: Received) -> int:
        """Remember a request and return the status to answer with."""
        self.received.append(received)
        status = self.answers.pop(0) if self.answers else 204
        if not status:
            self.release.wait(60)
            return 503
        return status


@contextmanager
def receiving(port: int = 0, *answers: int) -> Iterator[Receiver]:
    """Listen for as long as this lasts."""
    receiver = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(Received({name.lower(): value for name, value in self.headers.items()}, body))
            try:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.url)
                self.end_headers()
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def write_alerts(home: Path, url: str, more: str = "") -> Path:
    """Write an alerts file with the sink `oncall`, its key beside it, and return it."""
    home.mkdir(exist_ok=True)
    key = home / "oncall.key"
    key.write_text(KEY)
    key.chmod(0o600)
    path = home / "alerts.yaml"
    path.write_text(
        "api_version: tunewright/alerts/v1\n"
        f"sinks:\n  oncall: {{webhook: {{url: '{url}', key: '${{file:oncall.key}}', timeout: 2s}}}}\n{more}"
    )
    return path
