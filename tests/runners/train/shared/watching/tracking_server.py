"""A loopback MLflow tracking server: as much of its REST interface as a client that logs needs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """What clients have sent."""

    address: str
    metrics: dict[tuple[str, int], float] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    runs: int = 0


@contextmanager
def tracking_server() -> Iterator[Received]:
    """Serve on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, body: dict[str, Any], status: int = 200) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _take(self) -> None:
            received.tokens.add(self.headers.get("authorization", ""))
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}") if length else {}
            match self.path.partition("?")[0].rpartition("/mlflow/")[2]:
                case "experiments/get-by-name":
                    self._answer({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}, 404)
                case "experiments/create":
                    self._answer({"experiment_id": "1"})
                case "runs/create":
                    received.runs += 1
                    info = {"run_id": "a1", "run_uuid": "a1", "experiment_id": "1", "status": "RUNNING"}
                    self._answer({"run": {"info": info, "data": {}}})
                case "runs/log-metric":
                    received.metrics[body["key"], int(body["step"])] = float(body["value"])
                    self._answer({})
                case _:
                    self._answer({"run_info": {"run_id": "a1"}, "run": {"info": {"run_id": "a1"}}})

        do_GET = do_POST = _take  # noqa: N815 - the standard library's own names

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Received(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
