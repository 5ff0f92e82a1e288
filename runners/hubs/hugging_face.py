"""Hugging Face and its mirrors, through huggingface_hub."""

import glob
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunewright.runners.hubs.byte_progress import byte_progress
from tunewright.runners.hubs.refusals import denied, unreachable
from tunewright.runners.hubs.repository import Listing, Repository, RepositoryFile
from tunewright.runners.sdk import Reporter, StepFailedError

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class HuggingFace:
    """One repository: what the hub has of it, what the caches have, and the way from one to the other."""

    title = "Hugging Face"

    def __init__(self, repository: Repository, cache: Path, report: Reporter) -> None:
        from huggingface_hub import constants

        self._repository, self._report = repository, report
        name = f"{repository.kind}s--{repository.name.replace('/', '--')}"
        self._cache = cache
        #: Ours goes first, then the one that everything else on this machine shares.
        self._stores = [cache / name, Path(constants.HF_HUB_CACHE) / name]

    def listing(self) -> Listing:
        from huggingface_hub import HfApi

        repository = self._repository
        with self._refusals():
            # False, not None: without a token of the spec's none is taken from the user's own files.
            api = HfApi(endpoint=repository.endpoint, token=repository.token or False)
            told = api.repo_info(
                repository.name, repo_type=repository.kind, revision=repository.revision, files_metadata=True
            )
        files = [_listed(item) for item in told.siblings or ()]
        return Listing(revision=told.sha, files={item.name: item for item in files})

    def kept_listing(self) -> Listing | None:
        for store in self._stores:
            commit = self._commit(store)
            if commit is not None and (folder := store / "snapshots" / commit).is_dir():
                files = [_kept(folder, path) for path in sorted(folder.rglob("*")) if path.is_file()]
                return Listing(revision=commit, files={item.name: item for item in files})
        return None

    def kept(self, revision: str | None) -> Sequence[Path]:
        folders = [store / "snapshots" / (revision or "main") for store in self._stores]
        return [folder for folder in folders if folder.is_dir()]

    def fetch(self, revision: str | None, names: Sequence[str]) -> Path:
        from huggingface_hub import snapshot_download

        repository = self._repository
        with self._refusals():
            found = snapshot_download(
                repository.name,
                repo_type=repository.kind,
                revision=revision,
                cache_dir=self._cache,
                allow_patterns=[glob.escape(name) for name in names],
                token=repository.token or False,
                endpoint=repository.endpoint,
                tqdm_class=byte_progress(self._report),
            )
        return Path(str(found))

    def _commit(self, store: Path) -> str | None:
        revision = self._repository.revision or "main"
        if _COMMIT.fullmatch(revision):
            return revision
        try:
            return (store / "refs" / revision).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        from httpx2 import HTTPError
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        name = self._repository.name
        try:
            yield
        except GatedRepoError as error:
            raise denied(name, "asks for acceptance of its terms and an access token") from error
        except RepositoryNotFoundError as error:
            raise denied(name, "does not exist there or is private") from error
        except RevisionNotFoundError as error:
            raise denied(name, f"has no revision `{self._repository.revision}`") from error
        except StepFailedError:
            raise
        except (HTTPError, OSError, ValueError) as error:  # HfHubHTTPError and LocalEntryNotFoundError are OSErrors
            raise unreachable(self.title, name, error) from error


def _listed(told: Any) -> RepositoryFile:
    """Large files are named by their SHA-256, small ones by git."""
    large = getattr(told, "lfs", None)
    sha1 = told.blob_id if large is None and told.blob_id and _COMMIT.fullmatch(told.blob_id) else None
    return RepositoryFile(
        name=told.rfilename, size=told.size, sha256=large.sha256 if large is not None else None, git_sha1=sha1
    )


def _kept(folder: Path, path: Path) -> RepositoryFile:
    """The cache names a content as the hub does, which tells whether it still is that content."""
    content = path.resolve().name
    return RepositoryFile(
        name=path.relative_to(folder).as_posix(),
        sha256=content if _SHA256.fullmatch(content) else None,
        git_sha1=content if _COMMIT.fullmatch(content) else None,
    )
