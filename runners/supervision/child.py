"""Start one process of a runner. Fork and exec by hand: we have one thread, and `subprocess` is slow to import."""

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Mapping
from fcntl import F_SETPIPE_SZ, fcntl
from pathlib import Path
from typing import NamedTuple, NoReturn

from tunewright.runners.contract import Command
from tunewright.runners.supervision.group import Group

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PIPE_BYTES = 1024 * 1024
#: No dump of memory, which may hold secrets. 0 would not do where the kernel pipes dumps to a program: it does not look
#: at the limit then, but for this value, by which it knows that program itself.
_NO_CORE = (1, 1)
#: Raising it needs no right, whatever score the daemon was started with.
_OOM_SCORE = 300
#: A signal that we, Python itself or whoever started the daemon ignores would stay ignored in the runner.
_RESET = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))

_libc = ctypes.CDLL(None, use_errno=True)


class Child(NamedTuple):
    """A started process, leader of its own group, and the read ends of its output."""

    pid: int
    stdout: int
    stderr: int


def become_subreaper() -> None:
    """Let orphans below us come to us instead of init, so that no double fork escapes."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def start(
    command: Command, *, folder: Path, environment: Mapping[str, str], niceness: int, group: Group | None = None
) -> Child:
    """Start a process in `folder` that the kernel kills when we die; raise OSError when it can't be executed."""
    out_read, out_write = _pipe()
    err_read, err_write = _pipe()
    fate_read, fate_write = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(command, folder, environment, niceness, group, parent, (out_write, err_write, fate_write))
    for descriptor in (out_write, err_write, fate_write):
        os.close(descriptor)
    fate = os.read(fate_read, 16)  # the end of file is the exec: it closed the other side
    os.close(fate_read)
    if fate:
        os.waitpid(pid, 0)
        os.close(out_read)
        os.close(err_read)
        raise OSError(int(fate), os.strerror(int(fate)), command.argv[0])
    return Child(pid, out_read, err_read)


def _become(
    command: Command,
    folder: Path,
    environment: Mapping[str, str],
    niceness: int,
    group: Group | None,
    parent: int,
    ends: tuple[int, int, int],
) -> NoReturn:
    out, err, fate = ends
    try:
        os.setpgid(0, 0)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel knew that this matters to us
            os._exit(127)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        if group is not None:
            group.join()
        os.nice(niceness)
        resource.setrlimit(resource.RLIMIT_CORE, _NO_CORE)
        _offer_to_the_kernel()
        os.chdir(folder)
        os.execvpe(command.argv[0], command.argv, environment)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        os.write(fate, str(error.errno).encode())
    finally:
        os._exit(127)


def _offer_to_the_kernel() -> None:
    """Where memory ends the runner goes first: its supervisor has to tell what happened, the daemon to go on."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+b", buffering=0) as own:  # noqa: PTH123
        if int(own.read()) < _OOM_SCORE:
            own.seek(0)
            own.write(b"%d" % _OOM_SCORE)


def _pipe() -> tuple[int, int]:
    read, write = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(read, False)
    with contextlib.suppress(OSError):  # the user's share of pipe memory may be used up: a small pipe works too
        fcntl(write, F_SETPIPE_SZ, _PIPE_BYTES)
    return read, write
