"""How a command ends: the exit codes, and the error that carries one with its sentence."""

OK = 0
FAILED = 1  # the spec is wrong, a gate said no, or the run failed
USAGE = 2
REFUSED = 3  # the daemon said no
UNREACHABLE = 4  # no daemon answers
BUG = 70
PAUSED = 75  # the run rests until somebody lets it go on
INTERRUPTED = 130
BROKEN_PIPE = 141


class CommandError(Exception):
    """A command can't do what was asked: one sentence, what to do, the exit code."""

    def __init__(self, message: str, *, help: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message, self.help, self.code = message, help, code
