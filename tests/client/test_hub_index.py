"""What a hub is asked with: its token stays with it, wherever it sends us on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tunewright.client.hub_index import HubIndexError, ask_hugging_face
from tunewright.compiler.collect.hubs import HubReference

Seen = list[tuple[str, str | None]]


@contextmanager
def server(seen: Seen, sends_on: dict[str, str]) -> Iterator[str]:
    """A server that sends each path on to an address, and answers `{}` for what has none."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            seen.append((path, self.headers.get("authorization")))
            self.send_response(307 if path in sends_on else 200)
            if path in sends_on:
                self.send_header("location", sends_on[path])
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}"
    finally:
        made.shutdown()
        thread.join()


def test_a_token_goes_on_to_the_same_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    hub_seen: Seen = []
    store_seen: Seen = []
    asked = "/api/models/some/model/revision/main"
    with (
        server(store_seen, {}) as store,
        server(hub_seen, {asked: "/renamed", "/renamed": f"{store}/elsewhere"}) as hub,
    ):
        monkeypatch.setenv("HF_ENDPOINT", hub)
        with pytest.raises(HubIndexError, match="something that is no repository"):
            ask_hugging_face(HubReference("some/model", None), "only-for-the-hub")
    assert hub_seen == [(asked, "Bearer only-for-the-hub"), ("/renamed", "Bearer only-for-the-hub")]
    assert store_seen == [("/elsewhere", None)]


@pytest.mark.parametrize("address", ["file:///etc", "127.0.0.1:1", "http://127.0.0.1:1"])
def test_a_hub_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(HubIndexError, match="can't be looked up"):
        ask_hugging_face(HubReference("some/model", None), None)
