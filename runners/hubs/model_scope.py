"""ModelScope, through its own library, which the environment may lack."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.hubs.refusals import denied, unreachable
from tunewright.runners.hubs.repository import Listing, Repository, RepositoryFile
from tunewright.runners.sdk import Reporter, StepFailedError


class ModelScope:
    """One repository there. The hub names files by SHA-256 and tells no commit."""

    title = "ModelScope"

    def __init__(self, repository: Repository, cache: Path, report: Reporter) -> None:
        try:
            from modelscope_hub import HubApi
        except ImportError as error:
            raise StepFailedError(
                "the environment has no `modelscope` package, which ms:// sources need",
                reason="PACKAGE_MISSING",
                help="register an interpreter that has it: tunewright env use train --python PATH",
                code=ExitCode.UNAVAILABLE,
            ) from error
        self._repository, self._report = repository, report
        self._folder = cache / "modelscope" / f"{repository.kind}s" / repository.name
        self._api: Any = HubApi(endpoint=repository.endpoint, token=repository.token)

    def listing(self) -> Listing:
        repository = self._repository
        try:
            told = self._api.list_repo_files(repository.name, repository.kind, revision=repository.revision)
        except Exception as error:  # the library raises plain exceptions of many kinds for one thing: no answer
            raise self._refusal(error) from error
        files = [
            RepositoryFile(name=item.path, size=item.size or None, sha256=item.sha256 or None)
            for item in told
            if not item.is_dir
        ]
        return Listing(revision=repository.revision, files={item.name: item for item in files})

    def kept_listing(self) -> Listing | None:
        folder = self._at(self._repository.revision)
        if not folder.is_dir():
            return None
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
        files = {name: RepositoryFile(name=name) for name in names if not name.startswith(".")}
        return Listing(revision=self._repository.revision, files=files)

    def kept(self, revision: str | None) -> Sequence[Path]:
        folder = self._at(revision)
        return [folder] if folder.is_dir() else []

    def fetch(self, revision: str | None, names: Sequence[str]) -> Path:
        repository = self._repository
        self._report.phase(f"fetching {len(names)} files from ModelScope")
        try:
            found = self._api.download_repo(
                repository.name,
                repo_type=repository.kind,
                revision=revision,
                local_dir=str(self._at(revision)),
                allow_patterns=list(names),
            )
        except Exception as error:
            raise self._refusal(error) from error
        return Path(found)

    def _at(self, revision: str | None) -> Path:
        return self._folder / (revision or "master").replace("/", "--")

    def _refusal(self, error: Exception) -> StepFailedError:
        from modelscope_hub.errors import AuthenticationError, NotExistError, PermissionDeniedError

        name = self._repository.name
        if isinstance(error, NotExistError):
            return denied(name, "does not exist there or is private")
        if isinstance(error, AuthenticationError | PermissionDeniedError):
            return denied(name, "asks for an access token")
        return unreachable(self.title, name, error)
