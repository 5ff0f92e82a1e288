"""One mechanism for all kill points: a process dies, as by `kill -9`, before the N-th thing it does to the world.

Python tells a hook of every open, rename, removal, lock, fork and start of a process; commits are counted where the
store makes them. So the code under test holds no test points, and none of its lines is left out. Standard library
only: supervisors use it too.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OPERATIONS = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.fork", "os.kill", "os.killpg", "fcntl.flock", "subprocess.Popen"}
)


def arm(number: int) -> Callable[[], int]:
    """Die at the `number`-th operation from now on (0: never). Return what counts one more, for those that Python does
    not tell of; it answers how many there were.
    """
    owner = os.getpid()
    reached = 0

    def point() -> int:
        nonlocal reached
        reached += 1
        if reached == number:
            os.kill(owner, signal.SIGKILL)
        return reached

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if (event in _OPERATIONS or _opens_to_write(event, arguments)) and os.getpid() == owner:
            point()

    sys.addaudithook(heard)
    return point


def _opens_to_write(event: str, arguments: tuple[Any, ...]) -> bool:
    return event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
