"""The daemon's door to the compiler: a spec as it came in, with this machine's facts, to a plan or diagnostics."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.compiler.ir.plan import Plan
from tunewright.daemon.aside import Aside
from tunewright.daemon.engine.states import DEFAULT_PROJECT
from tunewright.daemon.errors import RefusedError
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.source import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A spec as a client handed it in. `folders` are where its files may lie; None for anywhere."""

    text: str
    path: str
    base_directory: Path
    profile: str | None
    sets: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    lock: SourceFile | None = None
    locked: bool = False
    folders: tuple[Path, ...] | None = None
    project: str = DEFAULT_PROJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A sealed plan, or None and the errors that stand in its way."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


Compiler = Callable[[Submitted], Compiled]

# Of their own: specs that take long wait for each other, and never keep the engine from a thread.
_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="compile")


async def compiled_beside(compiler: Compiler, submitted: Submitted) -> Compiled:
    """Return what a compiler makes of a spec, without holding up the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, compiler, submitted)


#: Name and memory of the accelerators, None where nobody has looked.
Accelerators = Callable[[], Sequence[tuple[str, int]] | None]


def compile_with(
    home: Path,
    environments: Path,
    policy: Path | None = None,
    accelerators: Accelerators = lambda: None,
    sinks: Callable[[str], frozenset[str]] = lambda _: frozenset(),
    aside: Aside | None = None,
) -> Compiler:
    """Return the compiler for a daemon's home and the folder that holds its runner environments; `policy` is the one
    that the daemon was started with. Plans are for the `accelerators` that the daemon leases; `sinks` answers where a
    project's alerts may go. With `aside` it works in a process beside this one.

    It reads and hashes the spec's files: call it in a thread.
    """

    def compile_submitted(submitted: Submitted) -> Compiled:
        known = (home, environments, policy, accelerators(), sinks(submitted.project))
        if aside is None:
            return compile_spec(*known, submitted)
        compiled: Compiled = aside.call(f"{__name__}:{compile_spec.__name__}", *known, submitted)
        return compiled

    return compile_submitted


def compile_spec(
    home: Path,
    environments: Path,
    policy: Path | None,
    accelerators: Sequence[tuple[str, int]] | None,
    sinks: frozenset[str],
    submitted: Submitted,
) -> Compiled:
    """Return what a spec compiles to here and now; raise RefusedError for a policy that can't be read."""
    # Imported here: a daemon that compiles beside itself never imports it.
    from tunewright.compiler.collect.cache import FactCache
    from tunewright.compiler.collect.confinement import confine
    from tunewright.compiler.collect.hardware import collect_hardware
    from tunewright.compiler.facts.kernels import OPTIONAL_PACKAGES
    from tunewright.compiler.front import compile_text
    from tunewright.compiler.ir.facts import EnvironmentFacts
    from tunewright.runners.environments import place, table

    facts = {
        name: EnvironmentFacts(
            name=name,
            digest=table.digest(name),
            installed=(python := place.interpreter(name, environments)) is not None,
            path=str(python.parent.parent) if python is not None else None,
            packages=place.held_packages(name, environments, OPTIONAL_PACKAGES),
        )
        for name in table.ENVIRONMENTS
    }
    confine(submitted.folders)
    compilation = compile_text(
        submitted.text,
        name=submitted.path,
        base_directory=submitted.base_directory,
        profile=submitted.profile,
        sets=submitted.sets,
        # The client's: a spec must not read the environment of the daemon.
        variables=submitted.variables,
        environments=facts,
        hardware=collect_hardware(home, accelerators),
        sinks_known=sinks,
        cache=FactCache(),
        home=home,
        policy=_policy(home, policy),
        lock=submitted.lock,
        locked=submitted.locked,
    )
    return Compiled(plan=compilation.plan, diagnostics=compilation.diagnostics)


def _policy(home: Path, chosen: Path | None) -> SourceFile | None:
    """Return the policy of the daemon itself, whatever the client holds its spec to."""
    from tunewright.compiler.collect.policy import PolicyFileError, find_policy

    try:
        return find_policy(home, None if chosen is None else str(chosen))
    except PolicyFileError as error:
        raise RefusedError("POLICY_UNREADABLE", f"{error}; nothing is compiled without it") from error
