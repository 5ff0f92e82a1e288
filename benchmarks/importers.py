"""How many files of other frameworks become specs: `python benchmarks/importers.py FOLDER` counts over its files.

Imports: a spec was written. Compiles: it also passes `check`, with stand-ins for the data and local models it names.
Same: it also carries everything, but for defaults that the language has no word for. The files are read, not executed.
"""

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

from tunewright.compiler.front import compile_text
from tunewright.compiler.importers.draft import Draft
from tunewright.compiler.importers.front import Imported, Input, import_texts
from tunewright.compiler.importers.settings_file import InputError
from tunewright.spec.codes import Severity

SUFFIXES = (".sh", ".yaml", ".yml", ".json", ".txt")
CHAT = [{"role": "user", "content": "A question?"}, {"role": "assistant", "content": "An answer."}]
ROWS = {
    "messages": {"messages": CHAT},
    "instruction": {"instruction": "A question?", "output": "An answer."},
    "preference": {"prompt": "A question?", "chosen": "A good answer.", "rejected": "A bad one."},
    "kto": {"prompt": "A question?", "completion": "An answer.", "label": True},
    "text": {"text": "A text to read."},
    "prompt": {"prompt": "A question?"},
}


def stand_in(draft: Draft, folder: Path) -> None:
    """Write small files where the spec names data, in the format it names."""
    values = {line.path: line.value for line in draft.lines}
    for path, value in values.items():
        if path[0] == "data" and path[2] == "source" and value.startswith("file:"):
            row = ROWS[values.get((*path[:2], "format"), "messages")]
            write_rows(folder / value.removeprefix("file:").lstrip("/"), row)


def write_rows(path: Path, row: dict[str, object]) -> None:
    """Write the same row many times in the way the suffix asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [row] * 2048
    if path.suffix == ".csv":
        path.write_text("instruction,output\n" + "a question,an answer\n" * len(rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")


def errors_of(imported: Imported) -> list[str]:
    """Compile an imported spec in a folder of its own; return the errors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stand_in(imported.draft, folder)
        found = compile_text(imported.text or "", name="life.yaml", base_directory=folder, variables={})
        # Folders and absolute paths that only its author has say nothing about the import.
        is_elsewhere = any(str(line.value).startswith(("file:/", "dir:")) for line in imported.draft.lines)
        ignored = {"TW2010", "TW2017"} if is_elsewhere else set()
        return [
            f"{item.code} {item.message}"
            for item in found.diagnostics
            if item.severity is Severity.ERROR and item.code not in ignored
        ]


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="framework", default=None)
    parser.add_argument("--quiet", action="store_true", help="only the counts")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    lacks: Counter[str] = Counter()
    for path in sorted(item for item in arguments.folder.rglob("*") if item.suffix in SUFFIXES):
        outcome, reasons = judge(path, arguments.framework)
        counts[outcome] += 1
        lacks.update(reasons)
        if not arguments.quiet:
            print(f"{outcome:<10} {path.relative_to(arguments.folder)}")
            print("".join(f"             {reason}\n" for reason in reasons), end="")
    total = sum(counts.values()) - counts["foreign"]
    compiled = counts["same"] + counts["differs"]
    print(f"\n{total} files of a framework ({counts['foreign']} others)")
    print(f"import and compile: {compiled}, of them the same: {counts['same']}")
    for outcome in ("refused", "broken"):
        print(f"{outcome}: {counts[outcome]}")
    print("\nwhat is missing most:")
    for reason, times in lacks.most_common(25):
        print(f"{times:5}  {reason}")


def judge(path: Path, framework: str | None) -> tuple[str, list[str]]:
    """Import one file; return how it went, and the reasons where something is missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        imported = import_texts([Input(name=path.name, text=text, folder=path.parent)], framework=framework)
    except (InputError, UnicodeDecodeError):
        return "foreign", []
    draft = imported.draft
    if imported.text is None:
        return "refused", [item.reason for item in draft.refused]
    if errors := errors_of(imported):
        return "broken", errors
    reasons = [item.reason for item in draft.lost]
    return ("differs" if any("default of" not in item.subject for item in draft.lost) else "same"), reasons


if __name__ == "__main__":
    main()
