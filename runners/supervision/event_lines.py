"""Read a line of events.jsonl: whatever a runner has written there, what comes of it can be stored as UTF-8."""

import json
from typing import Any

#: How JSON may write half of a character, which no file and no store takes.
_HALF = rb"\ud"


def read_line(line: bytes) -> dict[str, Any] | None:
    """Return the object that a line holds, None where it holds none; half characters become `?`."""
    try:
        value = json.loads(line)
        if _HALF in line.lower():
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
