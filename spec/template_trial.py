"""Try a chat template of strangers: a program in Jinja, rendered once in a process that can do no harm.

Standard library only here; the process (template_process.py) has Jinja, in its sandbox and within limits.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: Changes whenever a trial may come to another result: what was remembered of an older one does not count.
VERSION = 1

CPU_SECONDS = 2
MEMORY_BYTES = 512 * 2**20
LONGEST_OUTPUT = 2**20
_LONGEST_TEMPLATE = 2**20
_LONGEST_FILE = 32 * 2**20
#: The limit is processor time; this one is for a machine that gives the process none.
_PATIENCE_SECONDS = 120.0
_PROCESS = Path(__file__).with_name("template_process.py")
#: Where a killed process stood, in the words of Python's fault handler.
_STOOD = re.compile(rb'File "<template>", line (\d+) in ')


def find_hazard(template: str, python: str = sys.executable) -> str | None:
    """Return what a template does that none may do, with its line; None for one that ends well, or only refuses.

    `python` is an interpreter that has Jinja.
    """
    if len(template) > _LONGEST_TEMPLATE:
        return f"it has more than {_LONGEST_TEMPLATE // 2**20} MiB"
    # Imported here: most specs' templates were tried before.
    import subprocess

    try:
        done = subprocess.run(
            [python, "-I", str(_PROCESS)],
            input=json.dumps(
                {"template": template, "seconds": CPU_SECONDS, "bytes": MEMORY_BYTES, "longest": LONGEST_OUTPUT}
            ).encode(),
            capture_output=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
            env={},
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {_PATIENCE_SECONDS:g} s"
    lines = done.stdout.splitlines()
    if done.returncode == 0 and len(lines) == 2:
        hazard: str | None = json.loads(lines[1])
        return hazard
    if not lines:
        return None  # the process itself did not come up: nothing is known of the template
    return f"{_place(lines[0], done.stderr)}it is not done after {CPU_SECONDS} s of processor time"


def _place(written: bytes, stood: bytes) -> str:
    """Return the line of the template that the process stood at, from the lines of what Jinja made of it."""
    found = _STOOD.search(stood)
    if found is None:
        return ""
    made = int(found.group(1))
    before = [line for line, begins in json.loads(written) if begins <= made]
    return f"line {before[-1] if before else 1}: "


def templates_in(folder: Path) -> tuple[str, ...]:
    """Return every chat template of a model folder; a file that can't be read has none."""
    files = [folder / "chat_template.jinja", *sorted(folder.glob("additional_chat_templates/*.jinja"))]
    found = [_text(file) for file in files if file.is_file()]
    for name in ("chat_template.json", "tokenizer_config.json"):
        try:
            settings = json.loads(_text(folder / name))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(settings, dict):
            found += _named(settings)
    return tuple(found)


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.read(_LONGEST_FILE).decode("utf-8", "replace")


def _named(settings: Mapping[str, Any]) -> Iterator[str]:
    """One text, or several that have names."""
    match settings.get("chat_template"):
        case str(text):
            yield text
        case list(several):
            found = [item.get("template") for item in several if isinstance(item, dict)]
            yield from (text for text in found if isinstance(text, str))
