"""`tunewright migrate`: bring a spec of an older version of the language to this one."""

import os
from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.options import DEFAULT_SPEC
from tunewright.client.cli.screen import show
from tunewright.spec.migrate import MigrationError, migrate
from tunewright.spec.source import SourceFile


@click.command(epilog="Example: tunewright migrate life.yaml --check")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; end with 1 when there is something to change."
)
def command(spec: str, only_check: bool) -> int:
    """Bring SPEC (life.yaml) to this version of the language; comments and layout stay as they are."""
    path = Path(spec)
    try:
        # Line ends are kept: only what an edit covers may change.
        content = path.read_bytes().decode("utf-8")
        text, changes = migrate(SourceFile(spec, content))
    except FileNotFoundError:
        raise CommandError(f"there is no file `{spec}`") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"`{spec}` is not UTF-8 text (byte {error.start})") from None
    except MigrationError as error:
        raise CommandError(str(error)) from None
    for change in changes:
        begin = change.edit.span.begin
        show(f"{spec}:{begin.line}:{begin.column}: {change.words}")
    if not changes:
        show(f"{spec} is up to date")
    elif not only_check:
        _write(path, text)
    return exits.FAILED if changes and only_check else exits.OK


def _write(path: Path, text: str) -> None:
    target = path.resolve()  # a link stays a link
    aside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(text.encode("utf-8"))
        aside.chmod(target.stat().st_mode & 0o777)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
