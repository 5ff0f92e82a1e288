"""What a user wants of `tunewright init`: flags, and on a terminal the answers to a few questions."""

import sys
from dataclasses import dataclass

import click

from tunewright.client.cli.screen import is_terminal

_FROM_DATA = "as the rows show"
_FOR_ME = "the usual one"
_HERE = "this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for; None: whatever is sensible."""

    task: str | None
    data: str | None
    exam: str | None
    model: str | None
    accelerator: str | None
    count: int
    export: bool
    deploy: bool


def ask(
    *,
    task: str | None,
    data: str | None,
    exam: str | None,
    model: str | None,
    accelerator: str | None,
    count: int,
    export: bool | None,
    deploy: bool | None,
) -> Wishes:
    """Return the wishes; a person at a terminal is asked for what no flag says, and Enter is always an answer."""
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        data = data or _answer("File with rows to learn from", "a few to replace")
        task = task or _task(has_data=data is not None)
        model = model or _answer("Base model (hf://, dir:, gguf:, package:)", _FOR_ME)
        if accelerator is None:
            accelerator = _answer("Machine (such as a100-80gb, cpu)", _HERE)
            count = click.prompt("How many of them", default=1, type=click.IntRange(min=1)) if accelerator else count
        export = click.confirm("Pack the result into one folder?", default=False) if export is None else export
        deploy = click.confirm("Serve the result?", default=False) if deploy is None else deploy
    return Wishes(
        task=task,
        data=data,
        exam=exam,
        model=model,
        accelerator=accelerator,
        count=count,
        export=bool(export),
        deploy=bool(deploy),
    )


def _task(*, has_data: bool) -> str | None:
    from tunewright.compiler.recommend.situation import TASKS

    for name, meaning in TASKS.items():
        click.echo(f"  {name:<11} {meaning}")
    choices = [*([_FROM_DATA] if has_data else []), *TASKS]
    answer: str = click.prompt("Task", default=choices[0], type=click.Choice(choices), show_choices=False)
    return None if answer == _FROM_DATA else answer


def _answer(question: str, default: str) -> str | None:
    answer: str = click.prompt(question, default=default)
    return None if answer == default else answer.strip() or None
