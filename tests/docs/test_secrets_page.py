"""The settings of docs/secrets.md are read as they stand there."""

import re
from pathlib import Path

import pytest

from tunewright.daemon.home import Home
from tunewright.daemon.secrets.providers import providers_of

PAGE = (Path(__file__).parents[2] / "docs" / "secrets.md").read_text()


def test_settings_of_the_page_are_sound_and_name_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "secrets.yaml").write_text(block)
    kinds = [place.kind for place in providers_of(Home(tmp_path)).places]
    assert kinds == ["file", "encrypted", "command", "env", "home"]
    assert all(f"| `{kind}` |" in PAGE for kind in kinds)
