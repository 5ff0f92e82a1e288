"""Write what the editors' extensions carry from the language itself: its schema and its skeletons."""

import json
from pathlib import Path

from tunewright.spec.jsonschema import schema_text
from tunewright.spec.snippets import SNIPPETS

EXTENSION = Path(__file__).parents[1] / "editors" / "vscode"
SCHEMA = EXTENSION / "schemas" / "life.schema.json"
SKELETONS = EXTENSION / "snippets" / "life.json"


def skeletons_text() -> str:
    """Return the skeletons as VS Code reads them; the prefix keeps them apart from those of other YAML files."""
    entries = {
        snippet.label: {
            "prefix": f"tw-{snippet.prefix}",
            "description": snippet.description,
            "body": snippet.body.rstrip("\n").split("\n"),
        }
        for snippet in SNIPPETS
    }
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def texts() -> dict[Path, str]:
    """Return every generated file and what it must hold."""
    return {SCHEMA: schema_text(), SKELETONS: skeletons_text()}


if __name__ == "__main__":
    for path, text in texts().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
