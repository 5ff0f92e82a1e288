"""The last line of defence: no secret that this daemon has delivered leaves in its log, whoever put it there."""

import re
import threading

from tunewright.runners.supervision.redaction import MASK, Redactor

#: Credentials that have a form of their own, known or not.
_FORMS = re.compile(r"twt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")
_MASK = MASK.decode("ascii")


class Redaction:
    """Takes out of texts what it was told of. Any thread may call."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._values: frozenset[bytes] = frozenset()
        self._redactor = Redactor(())

    def remember(self, value: bytes) -> None:
        """Never let this value through from now on, nor a line of it, in none of the forms that programs write."""
        with self._guard:
            if value not in self._values:
                self._values |= {value}
                self._redactor = Redactor(self._values)

    def __call__(self, text: str) -> str:
        """Return a text with `***` in place of every secret."""
        if self._redactor:
            text = self._redactor.masked(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        return _FORMS.sub(_MASK, text)


#: That of this process: who reads a secret in order to deliver it says so here.
REDACTION = Redaction()
