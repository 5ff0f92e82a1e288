"""A desk, and a real daemon that plays scripts instead of training; what they share lies in scripted/."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for _folder in (Path(__file__).parent, Path(__file__).parents[2] / "daemon"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from harness.daemons import Daemon  # noqa: E402 - found only now
from scripted.desk import Desk  # noqa: E402

SCRIPTED_DAEMON = Path(__file__).parent / "scripted" / "scripted_daemon.py"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk without a daemon."""
    folder = tmp_path / "work"
    folder.mkdir()
    desk = Desk(folder, tmp_path / "home")
    desk.write()
    yield desk
    desk.clean_up()


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """A desk whose daemon plays `scripts.json`."""
    daemon = Daemon(desk.home)
    os.environ["TUNEWRIGHT_HOME"] = str(desk.home)
    try:
        daemon.start(program=("-P", str(SCRIPTED_DAEMON)))
        yield desk
    finally:
        os.environ.pop("TUNEWRIGHT_HOME", None)
        daemon.clean_up()
