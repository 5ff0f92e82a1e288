"""`tunewright lock`: write down what a spec rests on today, for later runs to be held to."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from tunewright.client import secret_store
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.lockfile import lock_path, write_lock
from tunewright.client.cli.options import DEFAULT_SPEC, STANDARD_INPUT, overlay_options
from tunewright.client.cli.screen import remark, show
from tunewright.client.cli.specs import compile_or_stop, compile_spec
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import Facts
from tunewright.compiler.ir.pins import DataPin, ModelPin, pins_text
from tunewright.compiler.passes.secrets import secret_name
from tunewright.spec.model.base import serves
from tunewright.spec.model.document import Spec
from tunewright.spec.source import SourceFile

_Pin = TypeVar("_Pin", ModelPin, DataPin)


@click.command(epilog="Example: tunewright lock life.yaml && git add life.lock")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@overlay_options
def command(spec: str, profile: str | None, sets: tuple[str, ...]) -> int:
    """Write what SPEC (life.yaml) rests on into its lock (life.lock).

    Models, data, suites and schemas by digest, environments, the compiler and its defaults, variables, accepted
    warnings and the policy. A model on a hub that is not on this machine, and a data set on a hub, are looked up there:
    the commit, and each file by digest. Later runs fetch exactly these files; with --locked they refuse to start when
    anything else is another.
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
    """Return a lock with the pins that only a hub knows, None when everything is here or nobody tells."""
    spec, facts = compilation.spec, compilation.facts
    if compilation.plan is None or spec is None or facts is None:
        return None
    model, data = _model_pin(spec, facts), _data_pins(spec, facts)
    return SourceFile("life.lock", pins_text(model, data)) if model or data else None


def _model_pin(spec: Spec, facts: Facts) -> dict[str, ModelPin]:
    from tunewright.client.hub_index import ask_hugging_face
    from tunewright.compiler.collect.hubs import parse_hub_reference

    source = spec.base.model
    reference = parse_hub_reference(source.removeprefix("hf://")) if source.startswith("hf://") else None
    if reference is None or facts.models[source].digest:
        return {}
    pin = _asked(source, lambda: ask_hugging_face(reference, _token(spec.base.token), spec.base.endpoint))
    return {source: pin} if pin is not None else {}


def _data_pins(spec: Spec, facts: Facts) -> dict[str, DataPin]:
    from tunewright.client.hub_index import ask_hugging_face_data

    pins: dict[str, DataPin] = {}
    for name, data in spec.data.items():
        source = data.source[0]
        if len(data.source) > 1 or not source.startswith("hf://") or facts.data[name].digest:
            continue
        ask = partial(ask_hugging_face_data, source, data.subset, data.split)
        if serves(spec.base, source):
            ask = partial(ask, token=_token(spec.base.token), endpoint=spec.base.endpoint)
        if (pin := _asked(source, ask)) is not None:
            pins[name] = pin
    return pins


def _asked(source: str, ask: Callable[[], _Pin]) -> _Pin | None:
    """Return what a hub says, or say why it does not."""
    from tunewright.client.hub_index import HubIndexError, is_offline

    if is_offline():
        remark(f"note: {source} is not here, and HF_HUB_OFFLINE forbids to look it up")
        return None
    try:
        return ask()
    except HubIndexError as error:
        remark(f"note: {source} {error}")
        return None


def _token(reference: str | None) -> str | None:
    name = secret_name(reference)
    return secret_store.read(name) if name else None


def _unpinned(lock: Mapping[str, Any]) -> list[str]:
    models = [source for source, held in lock.get("models", {}).items() if not held["digest"] and not held["revision"]]
    data = [str(held["source"]) for held in lock.get("data", {}).values() if "source" in held and not held["digest"]]
    return [*models, *data]
