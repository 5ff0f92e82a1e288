"""From the words of the command line to a compilation, and its findings on the screen."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.lockfile import read_lock, required_lock
from tunewright.client.cli.options import STANDARD_INPUT
from tunewright.client.cli.reading import ReadingBar
from tunewright.client.cli.screen import colourful, is_terminal, remark
from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.policy import PolicyFileError, find_policy
from tunewright.compiler.collect.sinks import sink_names
from tunewright.compiler.front import Compilation, SpecFileError, compile_file, compile_text
from tunewright.compiler.ir.facts import EnvironmentFacts
from tunewright.compiler.render.quantities import counted
from tunewright.spec.codes import Severity
from tunewright.spec.source import SourceFile

#: The lock that lies beside the spec, if there is one.
BESIDE: Final = "beside"


def compile_spec(
    path: str,
    *,
    profile: str | None,
    sets: Sequence[str],
    locked: bool = False,
    policy: str | None = None,
    lock: SourceFile | Literal["beside"] | None = BESIDE,
    plan: bool = True,
) -> Compilation:
    """Compile a file, or standard input for `-`; raise CommandError where there is nothing to read.

    `lock` pins its models; `locked`: hold it to all that the lock beside it says. `policy`: the file to hold it to
    instead of this machine's. `plan` False: only the findings are wanted.
    """
    if lock == BESIDE:
        lock = required_lock(path) if locked else read_lock(path)
    # Nothing but a lock can find something in a plan.
    given = {**world(policy), "lock": lock, "locked": locked, "plan": plan or lock is not None}
    bar = ReadingBar()
    given["progress"] = bar
    try:
        if path == STANDARD_INPUT:
            text = _standard_input()
            base = base_directory(path)
            return compile_text(text, name="<stdin>", base_directory=base, profile=profile, sets=sets, **given)
        return compile_file(Path(path), profile=profile, sets=sets, **given)
    except SpecFileError as error:
        raise CommandError(str(error)) from error
    finally:
        bar.clear()
        if given["cache"].damaged:
            remark(f"note: what was remembered of files ({given['cache'].folder}) was damaged; it is gathered anew")


def base_directory(path: str) -> Path:
    """Return the folder that relative paths of a spec start at: its own, or the current one for standard input."""
    return Path.cwd() if path == STANDARD_INPUT else Path(path).parent


def world(policy: str | None = None) -> dict[str, Any]:
    """Return what the compiler is told of this machine and this user; raise CommandError for an unreadable policy."""
    try:
        standard = find_policy(places.home(), policy)
    except PolicyFileError as error:
        raise CommandError(str(error), help="nothing is compiled without the policy that holds here") from None
    return {
        "policy": standard,
        "environments": environment_facts(),
        "cache": FactCache(),
        "home": places.home(),
        "secrets_known": places.secret_names(),
        "sinks_known": sink_names(places.home()),
    }


def compile_or_stop(
    path: str,
    *,
    profile: str | None,
    sets: Sequence[str],
    locked: bool = False,
    policy: str | None = None,
    lock: SourceFile | Literal["beside"] | None = BESIDE,
) -> Compilation:
    """Compile as `compile_spec` does; print what was found, and end the command when there are errors."""
    compilation = compile_spec(path, profile=profile, sets=sets, locked=locked, policy=policy, lock=lock)
    if compilation.has_errors:
        from tunewright.compiler.render.full import render_full

        remark(render_full(compilation.diagnostics, colour=colourful(sys.stderr)), coloured=True)
        errors = sum(item.severity is Severity.ERROR for item in compilation.diagnostics)
        raise CommandError(f"{compilation.source.name} has {counted(errors, 'error')}; nothing was started")
    if compilation.diagnostics:
        from tunewright.compiler.render.concise import render_concise

        remark(render_concise(compilation.diagnostics))
    return compilation


def environment_facts() -> dict[str, EnvironmentFacts]:
    """Return every environment with its digest, and whether it is installed for this user."""
    from tunewright.compiler.facts.kernels import OPTIONAL_PACKAGES
    from tunewright.runners.environments import ENVIRONMENTS, digest, held_packages, interpreter

    root = places.environments()
    return {
        name: EnvironmentFacts(
            name=name,
            digest=digest(name),
            installed=(python := interpreter(name, root)) is not None,
            path=str(python.parent.parent) if python is not None else None,
            packages=held_packages(name, root, OPTIONAL_PACKAGES),
        )
        for name in ENVIRONMENTS
    }


def _standard_input() -> str:
    if is_terminal(sys.stdin):
        raise CommandError("`-` reads a spec from standard input, which is your keyboard here", code=exits.USAGE)
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"standard input is not UTF-8 (byte {error.start})") from error
