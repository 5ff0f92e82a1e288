"""Open what a runner left behind as what it has to be: a file. A link would lead the reader out of the bundle, a pipe
would hold it for ever, a device would never end.
"""

import errno
import os
import stat
from pathlib import Path


class NotPlainError(ValueError):
    """What lies there is no regular file."""


def open_plain(path: Path) -> int:
    """Return a descriptor that reads a regular file; raise NotPlainError, FileNotFoundError or another OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
            raise NotPlainError(f"{path} is no file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlainError(f"{path} is no file")
    return descriptor


def read_plain(path: Path) -> bytes:
    """Return the content of a regular file; raise NotPlainError or OSError."""
    with os.fdopen(open_plain(path), "rb") as stream:
        return stream.read()
