"""Make secrets unreadable in what a runner says: as they are, in base64, as hexadecimal digits, escaped for JSON or
for an address, and cut in pieces that come one after the other.

What a runner does to a value on purpose (turned round, encrypted, a letter a line) is not found: this is against
accidents, such as a traceback with its arguments.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MASK = b"***"
#: Shorter values are not looked for: they would be found in every other line.
SHORTEST = 6
#: A line of a value of several lines, such as a key in PEM form.
_SHORTEST_PART = 16
_BLOCK_BYTES = 1024 * 1024


class Redactor:
    """Knows every form of some values. Costs one search per form and block of bytes."""

    def __init__(self, values: Iterable[bytes]) -> None:
        # The longest first: what is part of another form must not tear it.
        self._forms = sorted({form for value in values for form in _forms(value)}, key=lambda form: (-len(form), form))
        self._longest = len(self._forms[0]) if self._forms else 0

    def __bool__(self) -> bool:
        return bool(self._forms)

    def masked(self, block: bytes) -> bytes:
        """Return the block with `***` in place of every value."""
        for form in self._forms:
            if form in block:
                block = block.replace(form, MASK)
        return block

    def blotted(self, block: bytes) -> bytes:
        """Return the block with as many `*` in place of every value, so that every byte stays where it was."""
        for form in self._forms:
            if form in block:
                block = block.replace(form, b"*" * len(form))
        return block

    def begun(self, block: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a value that goes on in the next block."""
        window = block[len(block) - self._longest + 1 :] if len(block) >= self._longest else block
        begins = (_begun(window, form) for form in self._forms)
        return max(begins, default=0)

    def blot_file(self, path: Path) -> None:
        """Make values in a file unreadable where they stand; nothing else of it changes, neither size nor offsets."""
        try:
            # Not through a link: a runner may have put one there.
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            offset = 0
            while block := os.pread(descriptor, _BLOCK_BYTES + self._longest, offset):
                changed = self.blotted(block)
                if changed != block:
                    os.pwrite(descriptor, changed, offset)
                offset += _BLOCK_BYTES
        finally:
            os.close(descriptor)


class Veil:
    """A stream of bytes without its secrets, whatever pieces it comes in. Keeps back only what may begin one."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept = b""

    def passed(self, block: bytes) -> bytes:
        """Return what of the stream can be shown by now."""
        block = self._redactor.masked(self._kept + block)
        shown = len(block) - self._redactor.begun(block)
        self._kept = block[shown:]
        return block[:shown]

    def rest(self) -> bytes:
        """Return what was kept back: the stream has ended, and it was no secret."""
        kept, self._kept = self._kept, b""
        return kept


def _begun(window: bytes, form: bytes) -> int:
    start = window.find(form[:1], max(0, len(window) - len(form) + 1))
    while start >= 0 and not form.startswith(window[start:]):
        start = window.find(form[:1], start + 1)
    return len(window) - start if start >= 0 else 0


def _forms(value: bytes) -> Iterator[bytes]:
    if len(value) < SHORTEST:
        return
    lines = [line.strip() for line in value.splitlines()]
    for part in (value, *(line for line in lines if len(lines) > 1 and len(line) >= _SHORTEST_PART)):
        yield from _written(part)


def _written(value: bytes) -> Iterator[bytes]:
    """Return a value as programs write it. Imported here: a runner without secrets pays for none of it."""
    import json
    from urllib.parse import quote, quote_from_bytes, quote_plus

    text = value.decode("utf-8", "surrogateescape")
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    yield quote_from_bytes(value, safe="").encode()
    yield quote(text, safe="/", errors="surrogateescape").encode()
    yield quote_plus(text, errors="surrogateescape").encode()
    yield repr(value)[2:-1].encode()
    yield from _in_base64(value)
    if "\udc80" <= max(text, default="") <= "\udcff":
        return
    yield repr(text)[1:-1].encode()
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode()


def _in_base64(value: bytes) -> Iterator[bytes]:
    """Return the middle of the value in base64, as it looks behind any number of other bytes (`user:value`)."""
    from base64 import b64encode, urlsafe_b64encode

    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            # Characters that hold bits of a neighbour are left away: 0, 2 or 3 at the front, one at the end.
            whole = (before + len(value)) * 8 // 6
            form = encode(bytes(before) + value)[(0, 2, 3)[before] : whole]
            if len(form) >= SHORTEST:
                yield form
