"""`${file:NAME}`: what must not stand in the settings of alerts lies in files that only the daemon's user reads."""

import os
import re
import stat
from pathlib import Path

from tunewright.daemon.alerts.settings import AlertSettingsError

REFERENCE = re.compile(r"\$\{file:([^}]+)\}")
_ANY = re.compile(r"\$\{[^}]*\}?")
_LONGEST = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_references(text: str, what: str) -> None:
    """Raise AlertSettingsError for a reference of another form."""
    for match in _ANY.finditer(text):
        if REFERENCE.fullmatch(match.group()) is None:
            raise AlertSettingsError(f"`{match.group()}` in {what} is no reference: write `${{file:NAME}}`")


def resolved(text: str, folder: Path) -> str:
    """Return a text with the files' contents in place of their references; raise AlertSettingsError.

    Read anew each time: a key that is replaced counts at once.
    """
    return REFERENCE.sub(lambda match: _content(folder / match.group(1)), text)


def _content(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise AlertSettingsError(f"{path} can't be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise AlertSettingsError(f"{path} is no file")
        if found.st_mode & _OTHERS:
            raise AlertSettingsError(f"other users can reach {path}: `chmod 600` it")
        content = stream.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise AlertSettingsError(f"{path} is longer than {_LONGEST} bytes")
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise AlertSettingsError(f"{path} is not UTF-8 text") from None
