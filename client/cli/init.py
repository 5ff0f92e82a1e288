"""`tunewright init`: a sound spec for a task, rows, a model and a machine, each line with its reason."""

from pathlib import Path
from typing import Any

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.options import DEFAULT_SPEC
from tunewright.client.cli.screen import show

SCHEMA_FILE = ".tunewright/schema.json"
_EXAM_FILE = "suites/held-out.jsonl"
_TASKS = ("chat", "json", "classify", "preference", "continue")


@click.command(epilog="Example: tunewright init assistant --data tickets.jsonl --accelerator a10-24gb")
@click.argument("folder", default=".", metavar="[DIR]")
@click.option("--task", type=click.Choice(_TASKS), help="What the model is to learn; seen in the data when not given.")
@click.option("--data", metavar="FILE", help="Rows to learn from; without it a few rows to replace are written.")
@click.option("--exam", metavar="FILE", help="Rows to measure with; without it the last rows of the data are kept.")
@click.option("--model", metavar="SOURCE", help="Base model: hf://, ms://, dir:, gguf: or package:.")
@click.option("--accelerator", metavar="NAME", help="Machine to plan for, such as a100-80gb or cpu; else this one.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="Accelerators in that machine.")
@click.option("--export/--no-export", default=None, help="Pack the result into one folder.")
@click.option("--deploy/--no-deploy", default=None, help="Serve the result.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(folder: str, force: bool, **given: Any) -> int:
    """Write a sound life.yaml into DIR (here), each line with the reason for it.

    Looks at the rows, the model and the machine. On a terminal it asks for what is not given. The tasks: chat
    (answers), json (answers in JSON), classify (one of a few labels), preference (which of two answers is better),
    continue (plain text).
    """
    from tunewright.client.cli.interview import ask
    from tunewright.client.cli.survey import survey
    from tunewright.compiler.recommend.situation import RecommendationError
    from tunewright.compiler.recommend.spec import recommend
    from tunewright.compiler.recommend.text import spec_text
    from tunewright.spec.jsonschema import schema_text

    root = Path(folder)
    wishes = ask(**given)
    try:
        found = survey(root, wishes, exam_file=_EXAM_FILE)
        choices = recommend(found.situation)
    except RecommendationError as error:
        raise CommandError(str(error), help=error.help, code=exits.USAGE) from error
    situation = found.situation
    head = (
        f"yaml-language-server: $schema={SCHEMA_FILE}",
        f"Written by `tunewright init` for {situation.data.rows:,} rows of {situation.data.format} and "
        f"{situation.device}; every line is yours to change.",
    )
    files = {**found.files, DEFAULT_SPEC: spec_text(choices, *head), SCHEMA_FILE: schema_text()}
    _write(root, files, force=force)
    written = "\n".join(f"  {root / name}" for name in files)
    place = "" if folder == "." else f"cd {folder} && "
    remarks = "".join(f"note: {remark}\n" for remark in found.remarks)
    show(f"wrote\n{written}\n{remarks}\nnext: {place}tunewright check, then tunewright plan, then tunewright run")
    return exits.OK


def _write(root: Path, files: dict[str, str], *, force: bool) -> None:
    taken = [name for name in files if name != SCHEMA_FILE and (root / name).exists()]
    if taken and not force:
        raise CommandError(
            f"{', '.join(str(root / name) for name in taken)} already there",
            help="--force writes over them",
            code=exits.USAGE,
        )
    for name, text in files.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} can't be written: {error.strerror or error}") from error
