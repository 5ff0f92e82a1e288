"""The settings that docs/editors.md tells for editors that can't run here: of the form that each of them reads."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(text)


def test_helix_starts_the_server_for_yaml() -> None:
    settings = tomllib.loads(block("toml"))
    (language,) = settings["language"]
    assert language["name"] == "yaml"
    for name in language["language-servers"]:
        assert name in settings["language-server"] or name == "yaml-language-server", "not one that Helix brings"
    server = settings["language-server"]["tunewright"]
    assert [server["command"], *server["args"]] == ["tunewright", "lsp"]
    assert set(server["config"]) <= {"inlayHints", "codeLens"}


def test_vs_code_knows_each_setting() -> None:
    manifest = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text(encoding="utf-8"))
    known = manifest["contributes"]["configuration"]["properties"]
    for name, value in json.loads(block("json")).items():
        assert value == known[name]["default"], name
