"""fetch.model from a hub: a loopback server with the hub's paths asks for a token and gives a pinned revision."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners import contract
from tunewright.spec.canonical import digest_of_file

pytestmark = pytest.mark.train

NAME, COMMIT, TOKEN = "tiny/model", "0123456789abcdef0123456789abcdef01234567", "hf_only_for_this_test"


@dataclass
class Hub:
    """The address of the server, and what was asked of it."""

    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def hub(tiny_folder: Path) -> Iterator[Hub]:
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            authorization = self.headers.get("authorization", "")
            made.asked.append((self.path, authorization))
            if authorization != f"Bearer {TOKEN}":
                self.reply(401, b"{}", body, {"x-error-code": "GatedRepo"})
            elif self.path.startswith(f"/api/models/{NAME}/tree/"):
                tree = [
                    {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": "0" * 40}
                    for path in sorted(tiny_folder.iterdir())
                ]
                self.reply(200, json.dumps(tree).encode(), body, {})
            elif self.path.startswith(f"/api/models/{NAME}/"):
                files = [{"rfilename": path.name} for path in sorted(tiny_folder.iterdir())]
                self.reply(200, json.dumps({"id": NAME, "sha": COMMIT, "siblings": files}).encode(), body, {})
            else:
                path = tiny_folder / self.path.rpartition("/")[2]
                headers = {"x-repo-commit": COMMIT, "etag": f'"{digest_of_file(path).removeprefix("sha256:")}"'}
                self.reply(200, path.read_bytes(), body, headers)

        def reply(self, code: int, content: bytes, body: bool, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()


def fetch(bench: Any, name: str, hub: Hub, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    bundle = bench.bundle(name, "fetch.model", inputs, {"source": f"hf://{NAME}@{COMMIT}"})
    return bundle, bench.run("fetch_model", bundle)


def test_model_of_a_pinned_revision_is_fetched_with_the_secret_token(
    bench: Any, hub: Hub, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "HUB"
    token.write_text(TOKEN + "\n", encoding="utf-8")

    bundle, finished = fetch(bench, "hub", hub, {"secret.token": token}, monkeypatch)

    assert finished.code == contract.ExitCode.OK, finished.stderr
    weights = "model.safetensors"
    assert digest_of_file(bundle / "outputs" / weights) == digest_of_file(tiny_folder / weights)
    assert any(COMMIT in path for path, _ in hub.asked)
    assert TOKEN not in (bundle / "events.jsonl").read_text(encoding="utf-8") + finished.stderr


def test_model_that_asks_for_a_token_is_denied_without_one(
    bench: Any, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, finished = fetch(bench, "denied", hub, {}, monkeypatch)

    assert finished.failure["reason"] == "MODEL_DENIED"
    assert "access token" in finished.failure["help"]
    assert "Traceback" not in finished.stderr
