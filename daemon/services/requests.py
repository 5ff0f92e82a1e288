"""What every service reads from requests: resource names, pages, specs. Raises RefusedError with the field that is
wrong.
"""

import base64
import binascii
from pathlib import Path

from tunewright.daemon.compile import Submitted
from tunewright.daemon.errors import RefusedError
from tunewright.proto.v1 import spec_pb2
from tunewright.spec.source import SourceFile

MAX_SPEC_CHARACTERS = 1024 * 1024
MAX_LOCK_CHARACTERS = 4 * 1024 * 1024


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


def page_size(asked: int, default: int, limit: int) -> int:
    """Return how many items to answer."""
    return min(asked or default, limit)


def page_token(position: int) -> str:
    """Return the token that leads on from a position; its form is nobody's business."""
    return base64.urlsafe_b64encode(f"1:{position}".encode("ascii")).decode("ascii")


def page_position(token: str) -> int:
    """Return the position in a token, 0 for none."""
    if not token:
        return 0
    try:
        version, _, position = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii").partition(":")
        if version == "1" and position.isdecimal() and len(position) < 19:
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise RefusedError("PAGE_TOKEN_INVALID", "the page token is not one of ours; start again without a token")


def submitted(source: spec_pb2.SpecSource) -> Submitted:
    """Return the spec of a request."""
    if len(source.text) > MAX_SPEC_CHARACTERS:
        raise invalid("source.text", f"must be at most {MAX_SPEC_CHARACTERS} characters")
    base = Path(source.base_directory)
    if not base.is_absolute():
        raise invalid("source.base_directory", "must be an absolute path")
    return Submitted(
        text=source.text,
        path=source.path or "life.yaml",
        base_directory=base,
        profile=source.profile or None,
        sets=tuple(source.sets),
        variables=dict(source.variables),
        lock=_lock(source),
        locked=source.locked,
    )


def _lock(source: spec_pb2.SpecSource) -> SourceFile | None:
    if len(source.lock) > MAX_LOCK_CHARACTERS:
        raise invalid("source.lock", f"must be at most {MAX_LOCK_CHARACTERS} characters")
    if source.locked and not source.lock:
        raise invalid("source.lock", "must be there when the spec is `locked`")
    return SourceFile(source.lock_path or "life.lock", source.lock) if source.lock else None


def invalid(field: str, rule: str) -> RefusedError:
    """Return the refusal of a field."""
    return RefusedError("FIELD_INVALID", f"`{field}` {rule}", field=field)
