"""The sample files of three frameworks, and stand-ins for the data that they name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.importers.draft import Draft
from tunewright.compiler.importers.front import Imported, Input, import_texts

CHAT = [{"role": "user", "content": "A question?"}, {"role": "assistant", "content": "An answer."}]
ROWS: dict[str, dict[str, Any]] = {
    "messages": {"messages": CHAT},
    "instruction": {"instruction": "A question?", "output": "An answer."},
    "preference": {"prompt": "A question?", "chosen": "A good answer.", "rejected": "A bad one."},
    "kto": {"prompt": "A question?", "completion": "An answer.", "label": True},
    "text": {"text": "A text to read."},
    "prompt": {"prompt": "A question?"},
}


@pytest.fixture(scope="session")
def run_import() -> Callable[..., Imported]:
    """Import a text under a name, as if it lay in a folder."""

    def run_import(text: str, name: str = "train.sh", folder: Path | None = None, **options: Any) -> Imported:
        return import_texts([Input(name=name, text=text, folder=folder or Path("nowhere"))], **options)

    return run_import


@pytest.fixture(scope="session")
def said() -> Callable[[Imported], dict[str, Any]]:
    """Return the values of an imported spec by dotted path, those of its training step by their last words."""

    def said(imported: Imported) -> dict[str, Any]:
        return {".".join(line.path): line.value for line in imported.draft.lines}

    return said


@pytest.fixture
def stand_in(tmp_path: Path, world: Path) -> Callable[[Draft], Path]:
    """Write rows where a draft names files, in the format it names, and a model where it names a folder."""

    def stand_in(draft: Draft) -> Path:
        values = {line.path: line.value for line in draft.lines}
        for path, value in values.items():
            if path[0] == "data" and path[2] == "source" and value.startswith("file:"):
                form = values.get((*path[:2], "format"), "messages")
                write_rows(tmp_path / value.removeprefix("file:"), ROWS[form])
        for path, value in values.items():
            if path[-1] in ("model", "teacher") and str(value).startswith("dir:"):
                shutil.copytree(world / "chat-model", tmp_path / value.removeprefix("dir:"))
        return tmp_path

    return stand_in


def write_rows(path: Path, row: dict[str, Any]) -> None:
    """Write a row often enough for any batch, in the way the suffix asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps(row)] * 256
    if path.suffix == ".csv":
        path.write_text("instruction,output\n" + "a question,an answer\n" * len(rows), encoding="utf-8")
    else:
        path.write_text("[" + ",".join(rows) + "]" if path.suffix == ".json" else "\n".join(rows), encoding="utf-8")
