"""The last line of defence: no secret that this daemon has delivered leaves in its log, whoever put it there."""

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

MARK = "[secret]"
#: Shorter ones would tear up the log: every `yes` in it, if that is somebody's password.
SHORTEST = 6
#: Credentials that have a form of their own, known or not.
_FORMS = r"twt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}"


class Redaction:
    """Takes out of texts what it was told of. Any thread may call."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._pattern = re.compile(_FORMS)

    def remember(self, value: str) -> None:
        """Never let this value through from now on, nor a line of it, in none of the forms that programs write."""
        with self._guard:
            values = self._values.union(_parts(value))
            if values != self._values:
                # The longest first: one secret may be the beginning of another.
                written = [re.escape(item) for item in sorted(values, key=len, reverse=True)]
                self._values, self._pattern = values, re.compile("|".join([*written, _FORMS]))

    def __call__(self, text: str) -> str:
        """Return a text with a mark in place of every secret."""
        return self._pattern.sub(MARK, text)


def _parts(value: str) -> Iterable[str]:
    whole = value.strip()
    for part in (whole, *(line.strip() for line in whole.splitlines())):
        if len(part) >= SHORTEST:
            yield part
            yield repr(part)[1:-1]
            yield json.dumps(part)[1:-1]
            yield quote(part, safe="")
            yield b64encode(part.encode("utf-8", "surrogateescape")).decode("ascii").rstrip("=")


#: That of this process: who reads a secret in order to deliver it says so here.
REDACTION = Redaction()
