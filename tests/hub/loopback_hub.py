"""A hub on the loopback address, with the paths of Hugging Face: one model, a commit a folder, a branch that moves."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAME = "tiny/model"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Where the hub is, what it has, and what was asked of it: path and authorization of each request.

    `commits` maps a commit to the folder with its files, `main` is the branch's newest; `token` is what must be shown.
    """

    commits: dict[str, Path]
    main: str = COMMIT
    token: str | None = None
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> tuple[int, bytes, dict[str, str]]:
        """Return status, content and headers of the answer to a request."""
        self.asked.append((path, authorization))
        if self.token is not None and authorization != f"Bearer {self.token}":
            return 401, b"{}", {"x-error-code": "GatedRepo"}
        parts = path.partition("?")[0].strip("/").split("/")
        match parts:
            case ["api", "models", *name, "tree", revision] if "/".join(name) == NAME:
                return self._listed(revision, self._tree)
            case ["api", "models", *name, "revision", revision] if "/".join(name) == NAME:
                return self._listed(revision, self._info)
            case [first, second, "resolve", revision, file] if f"{first}/{second}" == NAME:
                return self._file(revision, file)
            case _:
                return 404, b"{}", {"x-error-code": "RepoNotFound"}

    def _folder(self, revision: str) -> tuple[str, Path | None]:
        commit = self.main if revision == "main" else revision
        return commit, self.commits.get(commit)

    def _listed(self, revision: str, told: Any) -> tuple[int, bytes, dict[str, str]]:
        commit, folder = self._folder(revision)
        if folder is None:
            return 404, b"{}", {"x-error-code": "RevisionNotFound"}
        return 200, json.dumps(told(commit, sorted(folder.iterdir()))).encode(), {}

    def _tree(self, commit: str, files: list[Path]) -> Any:
        return [{"type": "file", "path": path.name, "size": path.stat().st_size, "oid": "0" * 40} for path in files]

    def _info(self, commit: str, files: list[Path]) -> Any:
        siblings = []
        for path in files:
            told: dict[str, Any] = {"rfilename": path.name, "size": path.stat().st_size, "blobId": "0" * 40}
            if path.suffix == ".safetensors":
                told["lfs"] = {"sha256": _sha256(path), "size": path.stat().st_size, "pointerSize": 134}
            siblings.append(told)
        return {"id": NAME, "sha": commit, "siblings": siblings}

    def _file(self, revision: str, name: str) -> tuple[int, bytes, dict[str, str]]:
        commit, folder = self._folder(revision)
        if folder is None or not (folder / name).is_file():
            return 404, b"{}", {"x-error-code": "EntryNotFound"}
        headers = {"x-repo-commit": commit, "etag": f'"{_sha256(folder / name)}"'}
        return 200, (folder / name).read_bytes(), headers


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Let the hub answer until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            code, content, headers = hub.answer(self.path, self.headers.get("authorization", ""))
            self.send_response(code)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
