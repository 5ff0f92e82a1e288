"""The client is tested against real daemons: those of tests/daemon/shared/harness."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if (_SHARED := str(Path(__file__).parents[1] / "daemon" / "shared")) not in sys.path:
    sys.path.append(_SHARED)

from harness.daemons import Daemon  # noqa: E402 - found only now


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A running daemon on a home of its own."""
    daemon = Daemon(tmp_path / "home")
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()
