"""The last line of defence: no secret that is in use leaves in a log, whoever put it into a message."""

import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable
from urllib.parse import quote

Source = Callable[[], Iterable[str]]

MARK = "[secret]"
#: Shorter ones would tear up the log: every `yes` in it, if that is somebody's password.
SHORTEST = 6
#: Credentials that have a form of their own, known or not.
_FORMS = r"twt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}"


class Redaction:
    """Takes secrets out of texts. Sources answer the values that are in use now, and are asked for every text."""

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._guard = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._pattern = re.compile(_FORMS)

    def know(self, source: Source) -> None:
        """Ask one more source; it must answer at once, from any thread."""
        self._sources.append(source)

    def __call__(self, text: str) -> str:
        """Return a text with a mark in place of every secret."""
        if self._sources:
            with self._guard:
                self._learn()
        return self._pattern.sub(MARK, text)

    def _learn(self) -> None:
        values = frozenset(part for source in self._sources for value in source() for part in _parts(value))
        if values != self._values:
            # The longest first: one secret may be the beginning of another.
            written = [re.escape(value) for value in sorted(values, key=len, reverse=True)]
            self._values, self._pattern = values, re.compile("|".join([*written, _FORMS]))


def _parts(value: str) -> Iterable[str]:
    """A secret of several lines (a key, say) may be told line by line, and each in the forms that programs write."""
    whole = value.strip()
    for part in (whole, *(line.strip() for line in whole.splitlines())):
        if len(part) >= SHORTEST:
            yield part
            yield repr(part)[1:-1]
            yield json.dumps(part)[1:-1]
            yield quote(part, safe="")
            yield b64encode(part.encode("utf-8", "surrogateescape")).decode("ascii").rstrip("=")


#: That of this process: who delivers secrets says here which are in use.
REDACTION = Redaction()
