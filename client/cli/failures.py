"""What a user reads when a command ends with an exception, and the exit code that belongs to it."""

import os
import sys
import time
import traceback
from pathlib import Path

import click

import tunewright
from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import complain
from tunewright.client.errors import AddressError, CredentialError, RefusedError, UnreachableError

_START = "start one with `tunewright daemon`, or use `tunewright run`, which starts a private one"


#: What to do about refusals whose sentence does not say it.
_REMEDIES = {
    "CREDENTIAL_MISSING": "give --token-file, or --cert and --key, or name a --context that has them",
    "CREDENTIAL_INVALID": "look at --token-file, --cert and --context; `tunewright access whoami` tries them",
    "CREDENTIAL_BOUND": "give --cert and --key of that very certificate too; a renewed one is another",
    "CREDENTIAL_EXPIRED": "ask who administers the daemon for a new one",
    "CREDENTIAL_REVOKED": "ask who administers the daemon",
    "PERMISSION_MISSING": "`tunewright access whoami` shows what you may do",
}


def explain_failure(error: Exception) -> int:
    """Print the sentence for an exception and return the exit code; a bug leaves its traceback in a file."""
    match error:
        case CommandError():
            complain(error.message, error.help)
            return error.code
        case click.UsageError():
            complain(error.format_message(), _usage_help(error))
            return exits.USAGE
        case click.ClickException():
            complain(error.format_message())
            return exits.FAILED
        case CredentialError() | AddressError():
            complain(error.message, error.help)
            return exits.REFUSED
        case UnreachableError():
            complain(str(error), _START)
            return exits.UNREACHABLE
        case RefusedError():
            return _refused(error)
        case OSError() if error.filename is not None:
            complain(f"{error.filename}: {error.strerror}")
            return exits.FAILED
    return _bug(error)


def _usage_help(error: click.UsageError) -> str:
    return f"see `{error.ctx.command_path} --help`" if error.ctx is not None else ""


def _refused(error: RefusedError) -> int:
    if error.reason == "SPEC_INVALID":
        for item in error.diagnostics:
            where = f"{item.span.path}:{item.span.start_line}:{item.span.start_column}: " if item.span else ""
            complain(f"{where}[{item.code}] {item.message}", item.help)
        complain(error.message, "`tunewright check` shows all findings")
        return exits.FAILED
    complain(f"the daemon refused: {error.message}", _REMEDIES.get(error.reason, ""))
    return exits.REFUSED


def _bug(error: Exception) -> int:
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("TUNEWRIGHT_DEBUG"):
        sys.stderr.write(trace)
    try:
        where = f"the traceback is in {_keep(trace)}"
    except OSError as problem:
        where = f"the traceback could not be kept ({problem.strerror}); TUNEWRIGHT_DEBUG=1 shows it"
    complain(f"Tunewright has a bug ({type(error).__name__}): {where}", "please report it with that file")
    return exits.BUG


def _keep(trace: str) -> Path:
    folder = places.home() / "bugs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    version = f"tunewright {tunewright.__version__}, python {sys.version.split()[0]}, {sys.platform}"
    # Options may hold secrets of the site: only the command's name is kept.
    path.write_text(f"{version}\ncommand: {' '.join(sys.argv[1:2])}\n\n{trace}", encoding="utf-8")
    path.chmod(0o600)
    return path
