"""A file that changes while the daemon runs counts, whatever was in the way at first."""

from pathlib import Path

import pytest

from tunewright.daemon.access import reloading
from tunewright.daemon.access.reloading import Reloaded


def test_a_reading_that_could_not_be_made_is_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "_REST_SECONDS", 0.0)
    path, troubles = tmp_path / "access.yaml", []
    path.write_text("1")

    def load() -> int:
        if troubles:
            raise troubles.pop()
        return int(path.read_text())

    file = Reloaded((path,), load)
    path.write_text("22")
    troubles.append(OSError("no more processes"))
    assert file.get() == 1
    assert file.get() == 22, "it is not the file that was wrong"
    path.write_text("nonsense")
    assert [file.get(), file.get()] == [22, 22]
    path.unlink()
    assert file.get() == 22
