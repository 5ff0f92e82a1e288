"""Editors' own tools: the YAML language server that most editors use, installed by npm into pytest's cache."""

import json
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tunewright.spec.jsonschema import schema_text

#: The newest that runs on Node 20.
SERVER = "yaml-language-server@1.25.0"


class YamlServer:
    """A YAML language server with our schema: one client, spoken to over its standard input and output."""

    def __init__(self, module: Path, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._process = subprocess.Popen(
            ["node", str(module), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        schema = folder / "schema.json"
        schema.write_text(schema_text(), encoding="utf-8")
        self._settings = {
            "schemas": {schema.as_uri(): "*.yaml"},
            "schemaStore": {"enable": False, "url": ""},
            "hover": True,
            "completion": True,
            "validate": True,
        }
        self._request("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": _CAPABILITIES})
        self._notify("initialized", {})

    def open(self, text: str) -> tuple[str, list[dict[str, Any]]]:
        """Open a document; return its address and what the server finds in it."""
        uri = (self._folder / f"life-{next(self._numbers)}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return uri, message["params"]["diagnostics"]

    def ask(self, what: str, uri: str, line: int, character: int) -> Any:
        """Return the answer to `completion` or `hover` at a place, both counted from 0."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        return self._request(f"textDocument/{what}", place)

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.communicate()

    def _request(self, method: str, params: Any) -> Any:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, body: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        content = json.dumps({"jsonrpc": "2.0", **body}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(content) + content)
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        """Return the next message; the server's own requests, for settings most of all, are answered at once."""
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the YAML language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if "method" in message and "id" in message:
            items = message.get("params", {}).get("items", [])
            answers = [self._settings if item["section"] == "yaml" else {} for item in items]
            self._send({"id": message["id"], "result": answers or None})
        return message


_CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    }
}


@pytest.fixture(scope="session")
def npm_folder(request: pytest.FixtureRequest) -> Path:
    """Where npm's packages for tests are kept between sessions."""
    assert request.config.cache is not None
    return Path(request.config.cache.mkdir("npm"))


@pytest.fixture(scope="session")
def yaml_server(npm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[YamlServer]:
    """A running YAML language server that knows our schema; npm fetches it on the first use."""
    package = npm_folder / "node_modules" / "yaml-language-server"
    if not package.exists():
        install = ["npm", "install", "--prefix", str(npm_folder), "--no-audit", "--no-fund", SERVER]
        done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"npm could not install {SERVER}:\n{done.stderr}"
    server = YamlServer(package / "bin" / "yaml-language-server", tmp_path_factory.mktemp("editor"))
    try:
        yield server
    finally:
        server.close()
