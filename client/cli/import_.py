"""`tunewright import`: settings and commands of other frameworks become a spec."""

from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import complain, remark, show
from tunewright.compiler.importers.draft import Draft, Remark
from tunewright.compiler.importers.front import Imported, Input, import_texts
from tunewright.compiler.importers.invocation import FRAMEWORKS
from tunewright.compiler.importers.machine import Machine
from tunewright.compiler.importers.neighbours import MAX_BYTES
from tunewright.compiler.importers.options import printable
from tunewright.compiler.importers.settings_file import InputError
from tunewright.compiler.render.quantities import counted


@click.command(epilog="Example: tunewright import train.sh --from ms-swift@3.7 -o life.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--from", "origin", metavar="NAME[@VERSION]", help=f"{', '.join(FRAMEWORKS)}; told from the text if left out."
)
@click.option("-o", "--output", metavar="PATH", help="Write the spec here instead of printing it.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--strict", is_flag=True, help="End with 1 when something can't be carried.")
@click.option(
    "--accelerator",
    metavar="NAME",
    help="The accelerator to plan for; `none`: the machine at hand. Left out: one on which all fits.",
)
@click.option("--count", type=click.IntRange(1, 1024), help="How many of them in a machine.")
def command(
    files: tuple[str, ...],
    origin: str | None,
    output: str | None,
    force: bool,
    strict: bool,
    accelerator: str | None,
    count: int | None,
) -> int:
    """Write a spec that means what FILEs of ms-swift, LLaMA-Factory or Axolotl mean.

    FILE is YAML, JSON, or a script with commands such as `swift sft ...`; it is read, never executed. Several files
    (training, merging, serving) become one life. What can't be carried stands at the end of the spec and on standard
    error; where no spec would mean the same, none is written and the command ends with 1.
    """
    framework, version = _origin(origin)
    if output is not None and Path(output).exists() and not force:
        raise CommandError(f"`{output}` is there already", help="write somewhere else, or over it with --force")
    machine = Machine(accelerator=accelerator, count=count)
    try:
        imported = import_texts([_input(name) for name in files], framework=framework, version=version, machine=machine)
    except InputError as error:
        raise CommandError(str(error)) from None
    _tell(imported.draft)
    if imported.text is None:
        complain(f"no spec means the same as {printable(imported.draft.source)}; none was written")
        return exits.FAILED
    _deliver(imported, output)
    return exits.FAILED if strict and imported.draft.lost else exits.OK


def _origin(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    framework, sign, version = text.partition("@")
    if framework not in FRAMEWORKS:
        raise CommandError(f"`{framework}` is not known here", help=f"known: {', '.join(FRAMEWORKS)}", code=exits.USAGE)
    if sign and not all(part.isdigit() and len(part) < 4 for part in version.split(".")):
        raise CommandError(f"`{version}` is no version", help="write it as in ms-swift@3.7", code=exits.USAGE)
    return framework, version or None


def _input(name: str) -> Input:
    path = Path(name)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise CommandError(f"`{name}` is a folder; name the files inside") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"`{name}` can't be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_BYTES:
        raise CommandError(f"`{name}` is longer than {MAX_BYTES:,} bytes; settings are written by people")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"`{name}` is not UTF-8 text (byte {error.start})") from None
    return Input(name=name, text=text, folder=path.parent)


def _tell(draft: Draft) -> None:
    _list("no spec can say:", draft.refused)
    _list("can't be carried:", draft.lost)
    _list("assumed, please look:", draft.assumed)


def _list(title: str, remarks: tuple[Remark, ...]) -> None:
    if remarks:
        rows = [f"  {printable(item.subject, 90)}: {printable(item.reason, 240)}" for item in remarks]
        remark("\n".join([title, *rows]))


def _deliver(imported: Imported, output: str | None) -> None:
    text = imported.text or ""
    if output is None:
        show(text, end="")
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"`{output}` can't be written: {error.strerror}") from None
    draft = imported.draft
    words = [counted(len(draft.lines), "value"), f"{len(draft.lost)} not carried", f"{len(draft.assumed)} assumed"]
    remark(f"{output}: {', '.join(words)}; next: `tunewright check {output}`")
