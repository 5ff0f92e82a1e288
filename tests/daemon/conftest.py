"""Real daemons for tests; what they share lies in shared/harness/."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if (_HERE := str(Path(__file__).parent / "shared")) not in sys.path:
    sys.path.append(_HERE)

from harness.daemons import Daemon  # noqa: E402 - found only now


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A running daemon on a home of its own."""
    daemon = Daemon(tmp_path / "home")
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()


@pytest.fixture
def stopped_daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that the test starts itself."""
    daemon = Daemon(tmp_path / "home")
    try:
        yield daemon
    finally:
        daemon.clean_up()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A running daemon for tests that leave it as they found it."""
    daemon = Daemon(tmp_path_factory.mktemp("shared") / "home")
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()
