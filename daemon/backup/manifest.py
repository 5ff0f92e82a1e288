"""What a backup holds, as a file beside it: every file by its digest, every artifact by its own."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tunewright.daemon.clock import Milliseconds
from tunewright.spec.canonical import canonical_json, digest_of_bytes

FORMAT = 1
_NAME, _SEAL = "manifest.json", "manifest.sha256"


class BackupError(RuntimeError):
    """A backup can't be made, is not whole, or can't be put back; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`files`: relative path to digest. `artifacts`: digests whose folders are in the backup; `absent`: those that the
    store names and the home did not have whole.
    """

    format: int = FORMAT
    tunewright: str
    store_id: str
    schema_version: int
    time: Milliseconds
    checkpoints: bool
    files: Mapping[str, str]
    artifacts: tuple[str, ...]
    absent: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write it and its seal."""
        content = canonical_json({**asdict(self), "artifacts": list(self.artifacts), "absent": list(self.absent)})
        (folder / _NAME).write_bytes(content)
        (folder / _SEAL).write_text(f"{digest_of_bytes(content)}\n", encoding="ascii")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup; raise BackupError where there is none, or it is not what was written."""
    try:
        content = (folder / _NAME).read_bytes()
        seal = (folder / _SEAL).read_text(encoding="ascii").strip()
    except OSError as error:
        raise BackupError(f"{folder} is no backup: {error.filename} can't be read ({error.strerror})") from error
    if digest_of_bytes(content) != seal:
        raise BackupError(f"{folder / _NAME} is not what was written: use another backup")
    value = json.loads(content)
    if value["format"] != FORMAT:
        raise BackupError(f"{folder} has format {value['format']}; this Tunewright reads {FORMAT}: use a newer one")
    return Manifest(**{**value, "artifacts": tuple(value["artifacts"]), "absent": tuple(value["absent"])})
