"""What stands in a checkpoint beside its tensors: which step of which training it is, and what each file holds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tunewright.runners.contract import StepFile, write_durably
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.canonical import digest_of, digest_of_entries, digest_of_file
from tunewright.spec.tree import FileEntry, TreeError, scan_tree

MANIFEST_FILE = "checkpoint.json"
_FORMAT = 1

#: Parameters that may change in between: how often is reported and saved, how much is kept, who watches.
_MAY_CHANGE = frozenset({"logging_steps", "save_steps", "save_total_limit", "report_to", "watch", "continued"})
_SHOWN_CHARACTERS = 60


class CheckpointBrokenError(Exception):
    """A checkpoint is not what its manifest says, or can't be read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a training is made from: going on is allowed only from a checkpoint of the same origin.

    `agreed` are values from before a resume that was asked for with other ones: these differences are wanted.

    `values` are all parameters that change what is learnt, flat, with the digests of the inputs; `data` digests the
    rows' files as they are now, `plan` all the rest.
    """

    plan: str
    data: str
    seed: int
    world_size: int
    values: Mapping[str, Any]
    agreed: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(step: StepFile, world_size: int) -> "Origin":
        """Return the origin of a step; the data files are read, because it is their content that counts."""
        values = dict(_flat("", {key: item for key, item in step.parameters.items() if key not in _MAY_CHANGE}))
        files = {}
        for name, item in step.inputs.items():
            if item.role == "data":
                # What another step prepared is sealed: its digest is that of its content already.
                files[name] = item.digest if Path(item.path).is_dir() else digest_of_file(Path(item.path))
            else:
                values[f"inputs.{name}"] = item.digest
        return Origin(
            plan=digest_of(values),
            data=digest_of(files),
            seed=int(step.parameters["seed"]),
            world_size=world_size,
            values={**values, **files, "world_size": world_size},
            agreed={name: change["from"] for name, change in _agreed(step).items()},
        )

    def differences(self, now: "Origin") -> list[str]:
        """Return what `now` has otherwise, one sentence part each; empty when both are the same training."""
        names = sorted({*self.values, *now.values})
        return [
            f"`{name}` {_shown(self.values.get(name))} -> {_shown(now.values.get(name))}"
            for name in names
            if self.values.get(name) != now.values.get(name)
            and not (name in now.agreed and now.agreed[name] == self.values.get(name))
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointManifest:
    """The content of checkpoint.json; `tokens` were seen up to here, `files` maps each path to size and SHA-256."""

    step: int
    tokens: int
    origin: Origin
    files: Mapping[str, tuple[int, str]]

    def tree_digest(self, folder: Path) -> str:
        """Return the tree digest of the whole folder; only the manifest itself is read for it."""
        own = folder / MANIFEST_FILE
        content = digest_of_file(own).removeprefix("sha256:")
        listed = [FileEntry(path, size, digest) for path, (size, digest) in self.files.items()]
        return digest_of_entries([*listed, FileEntry(MANIFEST_FILE, own.stat().st_size, content)])

    def write(self, folder: Path) -> None:
        """Write it durably into the folder that it describes."""
        write_durably(folder / MANIFEST_FILE, {"format": _FORMAT, **asdict(self)})


def manifest_of(folder: Path, *, step: int, tokens: int, origin: Origin) -> CheckpointManifest:
    """Return the manifest of the files that are in `folder` now."""
    return CheckpointManifest(step=step, tokens=tokens, origin=origin, files=_files(scan_tree(folder)))


def read_manifest(folder: Path) -> CheckpointManifest:
    """Read the manifest of a checkpoint; raise CheckpointBrokenError when there is none that can be read."""
    try:
        value = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        if value.pop("format") != _FORMAT:
            raise CheckpointBrokenError(f"{MANIFEST_FILE} is of another version")
        files = {path: (size, content) for path, (size, content) in value.pop("files").items()}
        return CheckpointManifest(origin=Origin(**value.pop("origin")), files=files, **value)
    except FileNotFoundError as error:
        raise CheckpointBrokenError(f"it has no {MANIFEST_FILE}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointBrokenError(f"{MANIFEST_FILE} can't be read: {error}") from error


def verify(folder: Path) -> CheckpointManifest:
    """Hold every file of a checkpoint to its manifest before any of it is loaded; raise CheckpointBrokenError."""
    manifest = read_manifest(folder)
    try:
        found = _files(entry for entry in scan_tree(folder) if entry.path != MANIFEST_FILE)
    except (OSError, TreeError) as error:
        raise CheckpointBrokenError(str(error)) from error
    if missing := sorted(set(manifest.files) - set(found)):
        raise CheckpointBrokenError(f"{missing[0]} is missing")
    if foreign := sorted(set(found) - set(manifest.files)):
        raise CheckpointBrokenError(f"{foreign[0]} does not belong to it")
    for path, (size, content) in manifest.files.items():
        if found[path] != (size, content):
            what = f"has {found[path][0]} bytes instead of {size}" if found[path][0] != size else "has other content"
            raise CheckpointBrokenError(f"{path} {what}")
    return manifest


def refuse_other_origin(name: str, before: Origin, now: Origin) -> None:
    """Raise StepFailedError when a checkpoint belongs to another training; say what differs."""
    if not (differences := before.differences(now)):
        return
    raise StepFailedError(
        f"{name} was made by another training and can't be continued by this one: {'; '.join(differences)}",
        reason="CHECKPOINT_OF_OTHER_TRAINING",
        help="put back what was changed, or submit the spec as a new run: it trains from the beginning",
    )


def _agreed(step: StepFile) -> Mapping[str, Any]:
    continued = step.parameters.get("continued") or {}
    changed: Mapping[str, Any] = continued.get("changed", {})
    return changed


def _files(entries: Iterable[FileEntry]) -> dict[str, tuple[int, str]]:
    return {entry.path: (entry.size, entry.sha256) for entry in entries}


def _flat(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), item)
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
