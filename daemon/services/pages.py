"""Pages of lists: how many items, from where on, and a token that leads on and goes with the filters that it was made
for.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from tunewright.daemon.errors import RefusedError

_VERSION = "2"
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a list request asks for: `size` items beyond `position`; `scope` names the list that is paged through."""

    size: int
    position: int
    scope: str

    def token(self, position: int) -> str:
        """Return the token that leads on from a position; its form is nobody's business."""
        return base64.urlsafe_b64encode(f"{_VERSION}:{self.scope}:{position}".encode("ascii")).decode("ascii")


def page(request: Any, default: int, limit: int) -> Page:
    """Return the page that a list request asks for; raise RefusedError for a token that another list gave."""
    scope = _scope(request)
    return Page(
        size=min(request.page_size or default, limit), position=_position(request.page_token, scope), scope=scope
    )


def _scope(request: Any) -> str:
    """Everything but the page decides which list it is."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_size")
    filters.ClearField("page_token")
    content = filters.SerializeToString(deterministic=True)
    return hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0" + content).hexdigest()[:16]


def _position(token: str, scope: str) -> int:
    if not token:
        return 0
    try:
        version, found, position = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii").split(":")
    except (binascii.Error, ValueError):
        version = found = position = ""
    if version != _VERSION or not position.isdecimal() or len(position) > _MAX_DIGITS:
        raise RefusedError("PAGE_TOKEN_INVALID", "the page token is not one of ours; start again without a token")
    if found != scope:
        raise RefusedError("PAGE_TOKEN_INVALID", "the page token is of another list; keep the filters, or start again")
    return int(position)
