"""A hub on the loopback address, with the paths of Hugging Face: a repository, a commit a folder, a branch that moves.

It can cut connections, give wrong bytes, ask for a token and send on to another host, as real ones do.
"""

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
#: Files that the hub keeps by their SHA-256.
LARGE = (".safetensors", ".parquet", ".jsonl")


@dataclass
class Hub:
    """Where the hub is, what it has, and what was asked of it: path and authorization of each request.

    `commits` maps a commit to the folder with its files, `main` is the branch's newest; `token` is what must be shown.
    `cut` maps a file to the bytes after which its first answer ends, `spoil` to how many answers are wrong; `store` is
    the address that has the large files. `ranges` are the ranges that were asked for, `sizes` what it says of files'
    sizes where that is not true.
    """

    commits: dict[str, Path]
    main: str = COMMIT
    token: str | None = None
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    name: str = NAME
    kind: str = "models"
    cut: dict[str, int] = field(default_factory=dict)
    spoil: dict[str, int] = field(default_factory=dict)
    store: str | None = None
    ranges: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def answer(
        self, path: str, authorization: str, *, part: str = "", body: bool = True
    ) -> tuple[int, bytes, dict[str, str]]:
        """Return status, content and headers of the answer to a request; `part` is its range."""
        self.asked.append((path, authorization))
        if self.token is not None and authorization != f"Bearer {self.token}":
            return 401, b"{}", {"x-error-code": "GatedRepo"}
        parts = path.partition("?")[0].strip("/").split("/")
        if self.kind != "models" and parts[0] == self.kind:
            parts = parts[1:]
        match parts:
            case ["api", kind, first, second, "tree", revision] if (kind, f"{first}/{second}") == self._who:
                return self._listed(revision, self._tree)
            case ["api", kind, first, second, "revision", revision] if (kind, f"{first}/{second}") == self._who:
                return self._listed(revision, self._info)
            case ["api", kind, first, second] if (kind, f"{first}/{second}") == self._who:
                return self._listed("main", self._info)
            case [first, second, "resolve", revision, *file] if f"{first}/{second}" == self.name:
                return self._file(revision, "/".join(file), part, body=body)
            case _:
                return 404, b"{}", {"x-error-code": "RepoNotFound"}

    @property
    def _who(self) -> tuple[str, str]:
        return self.kind, self.name

    def _folder(self, revision: str) -> tuple[str, Path | None]:
        commit = self.main if revision == "main" else revision
        return commit, self.commits.get(commit)

    def _listed(self, revision: str, told: Any) -> tuple[int, bytes, dict[str, str]]:
        commit, folder = self._folder(revision)
        if folder is None:
            return 404, b"{}", {"x-error-code": "RevisionNotFound"}
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return (
            200,
            json.dumps(told(commit, [(path.relative_to(folder).as_posix(), path) for path in files])).encode(),
            {},
        )

    def _tree(self, commit: str, files: list[tuple[str, Path]]) -> Any:
        return [{"type": "file", "path": name, "size": path.stat().st_size, "oid": _git(path)} for name, path in files]

    def _info(self, commit: str, files: list[tuple[str, Path]]) -> Any:
        siblings = []
        for name, path in files:
            told: dict[str, Any] = {
                "rfilename": name,
                "size": self.sizes.get(name, path.stat().st_size),
                "blobId": _git(path),
            }
            if path.suffix in LARGE:
                told["lfs"] = {"sha256": _sha256(path), "size": path.stat().st_size, "pointerSize": 134}
            siblings.append(told)
        return {"id": self.name, "sha": commit, "siblings": siblings}

    def _file(self, revision: str, name: str, part: str, *, body: bool) -> tuple[int, bytes, dict[str, str]]:
        commit, folder = self._folder(revision)
        if folder is None or not (folder / name).is_file():
            return 404, b"{}", {"x-error-code": "EntryNotFound"}
        path = folder / name
        content = path.read_bytes()
        etag = _sha256(path) if path.suffix in LARGE else _git(path)
        headers = {"x-repo-commit": commit, "etag": f'"{etag}"'}
        if self.store is not None and path.suffix in LARGE:
            linked = {"x-linked-etag": f'"{etag}"', "x-linked-size": str(len(content))}
            return 302, b"", {**headers, **linked, "location": f"{self.store}{self._at(revision, name)}"}
        if body and self.spoil.get(name, 0) > 0:
            self.spoil[name] -= 1
            content = bytes([content[0] ^ 1]) + content[1:]
        if part.startswith("bytes="):
            self.ranges.append(part)
            start = int(part.removeprefix("bytes=").rstrip("-"))
            return (
                206,
                content[start:],
                {**headers, "content-range": f"bytes {start}-{len(content) - 1}/{len(content)}"},
            )
        if body and name in self.cut:
            headers["x-cut-after"] = str(self.cut.pop(name))
        return 200, content, headers

    def _at(self, revision: str, name: str) -> str:
        return f"{'' if self.kind == 'models' else f'/{self.kind}'}/{self.name}/resolve/{revision}/{name}"


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
            code, content, headers = hub.answer(
                self.path,
                self.headers.get("authorization", ""),
                part=self.headers.get("range", ""),
                body=body,
            )
            cut = headers.pop("x-cut-after", None)
            self.send_response(code)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content if cut is None else content[: int(cut)])
            self.close_connection = cut is not None

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


def _git(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
