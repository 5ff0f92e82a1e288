"""What every service reads from requests: resource names, words of enums, times, specs. Raises RefusedError with the
field that is wrong.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from tunewright.daemon.access.calls import Call
from tunewright.daemon.access.limits import check_priority
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.compile import Submitted
from tunewright.daemon.errors import RefusedError
from tunewright.proto.v1 import spec_pb2
from tunewright.spec.priority import HIGHEST, LOWEST
from tunewright.spec.source import SourceFile

MAX_SPEC_CHARACTERS = 1024 * 1024
MAX_LOCK_CHARACTERS = 4 * 1024 * 1024
_MAX_NOTE_CHARACTERS = 1000
_MAX_PATH_CHARACTERS = 4096
#: What a variable of the caller's environment, or a value on the command line, can reasonably be.
_MAX_WORD_CHARACTERS = 32 * 1024
_LAST_SECOND = 253_402_300_799

Word = TypeVar("Word")


def name_part(name: str, collection: str, field: str = "name") -> str:
    """Return the last part of `collection/id`."""
    head, _, identifier = name.partition("/")
    if head != collection or not identifier or "/" in identifier:
        raise invalid(field, f"must be `{collection}/ID`, not `{name[:100]}`")
    return identifier


def step_parts(name: str) -> tuple[str, str]:
    """Return run and step of `runs/ID/steps/STEP`."""
    match name.split("/"):
        case ["runs", run, "steps", step] if run and step:
            return run, step
        case _:
            raise invalid("name", f"must be `runs/ID/steps/STEP`, not `{name[:100]}`")


def choice(value: int, words: Mapping[int, Word], field: str) -> Word:
    """Return what a value of an enum means; one that a later client knows is refused, never taken for another."""
    try:
        return words[value]
    except KeyError:
        raise invalid(field, f"has no value {value} that this daemon knows") from None


def choices(values: Iterable[int], words: Mapping[int, Word], field: str) -> tuple[Word, ...]:
    """Return what the values of a repeated enum mean."""
    return tuple(choice(value, words, field) for value in values)


def moment(value: Timestamp, field: str) -> Milliseconds:
    """Return a time of a request."""
    if not 0 <= value.seconds <= _LAST_SECOND or not 0 <= value.nanos < 1_000_000_000:
        raise invalid(field, "must be a time between 1970 and 9999")
    return value.seconds * 1000 + value.nanos // 1_000_000


def priority(value: int, highest: int | None) -> int:
    """Return the priority that a request asks for; `highest` is what the caller may have (None: any)."""
    if not LOWEST <= value <= HIGHEST:
        raise invalid("priority", f"must be from {LOWEST} to {HIGHEST}")
    check_priority(value, highest)
    return value


def note(text: str, field: str) -> str:
    """Return a sentence that goes into the log."""
    if len(text) > _MAX_NOTE_CHARACTERS:
        raise invalid(field, f"must be at most {_MAX_NOTE_CHARACTERS} characters")
    return text


def submitted(source: spec_pb2.SpecSource, call: Call) -> Submitted:
    """Return the spec of a request, for the project that the call is about."""
    if len(source.text) > MAX_SPEC_CHARACTERS:
        raise invalid("source.text", f"must be at most {MAX_SPEC_CHARACTERS} characters")
    base = base_directory(source)
    for field in ("path", "profile", "lock_path"):
        if len(getattr(source, field)) > _MAX_PATH_CHARACTERS:
            raise invalid(f"source.{field}", f"must be at most {_MAX_PATH_CHARACTERS} characters")
    for field, words in (("sets", source.sets), ("variables", [*source.variables, *source.variables.values()])):
        if any(len(word) > _MAX_WORD_CHARACTERS for word in words):
            raise invalid(f"source.{field}", f"must be at most {_MAX_WORD_CHARACTERS} characters each")
    return Submitted(
        text=source.text,
        path=source.path or "life.yaml",
        base_directory=base,
        profile=source.profile or None,
        sets=tuple(source.sets),
        variables=dict(source.variables),
        lock=_lock(source),
        locked=source.locked,
        folders=call.folders,
        project=call.project,
    )


def base_directory(source: spec_pb2.SpecSource) -> Path:
    """Return the folder that relative paths in a spec start from."""
    if len(source.base_directory) > _MAX_PATH_CHARACTERS:
        raise invalid("source.base_directory", f"must be at most {_MAX_PATH_CHARACTERS} characters")
    if not source.base_directory.startswith("/") or "\0" in source.base_directory:
        raise invalid("source.base_directory", "must be an absolute path")
    return Path(source.base_directory)


def _lock(source: spec_pb2.SpecSource) -> SourceFile | None:
    if len(source.lock) > MAX_LOCK_CHARACTERS:
        raise invalid("source.lock", f"must be at most {MAX_LOCK_CHARACTERS} characters")
    if source.locked and not source.lock:
        raise invalid("source.lock", "must be there when the spec is `locked`")
    return SourceFile(source.lock_path or "life.lock", source.lock) if source.lock else None


def run_missing(identifier: str) -> RefusedError:
    """Return the refusal of a run that is not there, or not to be seen: the same words for both."""
    return RefusedError("RUN_NOT_FOUND", f"there is no run {identifier[:100]}", run=identifier)


def deployment_missing(identifier: str) -> RefusedError:
    """Return the refusal of a deployment that is not there, or not to be seen: the same words for both."""
    message = f"there is no deployment {identifier[:100]}"
    return RefusedError("DEPLOYMENT_NOT_FOUND", message, deployment=identifier)


def invalid(field: str, rule: str) -> RefusedError:
    """Return the refusal of a field."""
    return RefusedError("FIELD_INVALID", f"`{field}` {rule}", field=field)
