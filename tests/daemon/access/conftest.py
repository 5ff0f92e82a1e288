"""One site for the tests of a file, and fresh ones for tests that change it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.daemons import Daemon
from harness.sites import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running site that tests leave as they found it."""
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder, Daemon(folder / "home"))
    try:
        yield site.prepare().start()
    finally:
        site.clean_up()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    """Make a site whose access file has some lines more; the test starts it."""
    made: list[Site] = []

    def make(more: str = "") -> Site:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        made.append(Site(folder, Daemon(folder / "home"), more))
        return made[-1].prepare()

    try:
        yield make
    finally:
        for site in made:
            site.clean_up()
