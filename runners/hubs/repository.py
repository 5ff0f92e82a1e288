"""What is fetched from where: a repository on a hub, its files with their digests. Standard library only."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.canonical import digest_of_file
from tunewright.spec.endpoints import endpoint_problem

_DATASETS = "datasets/"
_SHORT_DIGEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A model or a data set on a hub.

    `hub` is `hf` or `ms`, `kind` is `model` or `dataset`; `revision` None is the newest. `endpoint` is the address of a
    mirror, `token` what the hub asks for; it never leaves for another host.
    """

    hub: str
    kind: str
    name: str
    revision: str | None = None
    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFile:
    """One file: its path in the repository, size in bytes, and what is known of its content (hex digests)."""

    name: str
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None

    def fault(self, path: Path) -> str | None:
        """Say what is wrong with the copy at `path`, None when nothing is. All of its bytes are read."""
        if not path.is_file():
            return f"{self.name} is missing"
        if self.sha256 is not None:
            return _difference(self.name, digest_of_file(path).removeprefix("sha256:"), self.sha256)
        if self.git_sha1 is not None:
            return _difference(self.name, _git_sha1(path), self.git_sha1)
        if self.size is not None and path.stat().st_size != self.size:
            return f"{self.name} has {path.stat().st_size:,} bytes and should have {self.size:,}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a repository holds at one revision, which is a commit where the hub tells one."""

    revision: str | None
    files: Mapping[str, RepositoryFile]


class Hub(Protocol):
    """One repository, through its hub's library."""

    title: str

    def listing(self) -> Listing:
        """Ask the hub what the repository holds; raise StepFailedError."""
        ...

    def kept_listing(self) -> Listing | None:
        """Return what this machine's caches hold of it, None when they hold nothing."""
        ...

    def kept(self, revision: str | None) -> Sequence[Path]:
        """Return the folders on this machine that may hold the revision; ours is the first."""
        ...

    def fetch(self, revision: str | None, names: Sequence[str]) -> Path:
        """Download files and return their folder; raise StepFailedError. What is there is not fetched again."""
        ...


#: Chooses the files to fetch; its second argument returns the text of a small file of the repository.
Choice = Callable[[Sequence[str], Callable[[str], str]], Sequence[str]]


def repository_of(
    source: str, *, revision: str | None = None, endpoint: str | None = None, token: str | None = None
) -> Repository:
    """Return what `hf://org/name@revision` or `ms://datasets/org/name` names; raise StepFailedError.

    `revision` goes before the one that is written in the source.
    """
    hub, _, rest = source.partition("://")
    if hub not in ("hf", "ms"):
        raise StepFailedError(
            f"`{source}` names no hub that this runner knows",
            reason="SOURCE_UNKNOWN",
            help="write hf://org/name@revision or ms://org/name@revision",
            code=ExitCode.IMPOSSIBLE,
        )
    address = endpoint or (os.environ.get("HF_ENDPOINT") if token and hub == "hf" else None)
    if address and (problem := endpoint_problem(address)) is not None:
        raise StepFailedError(
            f"the hub's address can't be used: {problem}", reason="ENDPOINT_UNSAFE", code=ExitCode.IMPOSSIBLE
        )
    name, _, written = rest.removeprefix(_DATASETS).partition("@")
    return Repository(
        hub=hub,
        kind="dataset" if rest.startswith(_DATASETS) else "model",
        name=name,
        revision=revision or written or None,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        token=token,
    )


def is_offline() -> bool:
    """Say whether the user wants nothing to be fetched (HF_HUB_OFFLINE)."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _difference(name: str, found: str, expected: str) -> str | None:
    if found == expected:
        return None
    return f"{name} is {_shown(found)}, and should be {_shown(expected)}"


def _shown(digest: str) -> str:
    return ("sha256:" if len(digest) == hashlib.sha256().digest_size * 2 else "git:") + digest[:_SHORT_DIGEST]


def _git_sha1(path: Path) -> str:
    """Return the name that git gives to a content: SHA-1 of `blob SIZE`, a zero byte, the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
