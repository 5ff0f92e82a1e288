"""`tunewright lock`: write down what a spec rests on today, for later runs to be held to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.lockfile import lock_path, write_lock
from tunewright.client.cli.options import DEFAULT_SPEC, STANDARD_INPUT, overlay_options
from tunewright.client.cli.screen import remark, show
from tunewright.client.cli.specs import compile_or_stop, compile_spec
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.pins import pins_text
from tunewright.compiler.passes.secrets import secret_name
from tunewright.spec.source import SourceFile


@click.command(epilog="Example: tunewright lock life.yaml && git add life.lock")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@overlay_options
def command(spec: str, profile: str | None, sets: tuple[str, ...]) -> int:
    """Write what SPEC (life.yaml) rests on into its lock (life.lock).

    Models, data, suites and schemas by digest, environments, the compiler and its defaults, variables, accepted
    warnings and the policy. A model on a hub that is not on this machine is looked up there: its commit, and each file
    by digest. Later runs fetch exactly these files; with --locked they refuse to start when anything else is another.
    """
    if spec == STANDARD_INPUT:
        raise CommandError("a spec from standard input has no lock", help="name the file", code=exits.USAGE)
    found = _looked_up(compile_spec(spec, profile=profile, sets=sets, lock=None))
    compilation = compile_or_stop(spec, profile=profile, sets=sets, lock=found)
    lock = compilation.plan.lock if compilation.plan is not None else {}
    written = write_lock(Path(spec), lock)
    for source in _unpinned(lock):
        remark(f"warning: {source} is not pinned: it is not here, and the spec names no revision")
    path = lock_path(Path(spec))
    show(f"wrote {path}" if written else f"{path} says so already")
    return exits.OK


def _looked_up(compilation: Compilation) -> SourceFile | None:
    """Return a lock with the pin of the base model when only its hub knows it, None when it is here or nobody tells."""
    from tunewright.client.hub_index import HubIndexError, ask_hugging_face, is_offline
    from tunewright.compiler.collect.hubs import parse_hub_reference

    spec, facts = compilation.spec, compilation.facts
    if compilation.plan is None or spec is None or facts is None or facts.models[spec.base.model].digest:
        return None
    source = spec.base.model
    reference = parse_hub_reference(source.removeprefix("hf://")) if source.startswith("hf://") else None
    if reference is None:
        return None
    if is_offline():
        remark(f"note: {source} is not here, and HF_HUB_OFFLINE forbids to look it up")
        return None
    try:
        pin = ask_hugging_face(reference, _token(spec.base.token))
    except HubIndexError as error:
        remark(f"note: {source} {error}")
        return None
    return SourceFile("life.lock", pins_text({source: pin}))


def _token(reference: str | None) -> str | None:
    name = secret_name(reference)
    try:
        return (places.secrets() / name).read_text(encoding="utf-8").strip() if name else None
    except (OSError, UnicodeDecodeError):
        return None


def _unpinned(lock: Mapping[str, Any]) -> list[str]:
    return [source for source, held in lock.get("models", {}).items() if not held["digest"] and not held["revision"]]
