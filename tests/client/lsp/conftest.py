"""The requests are tested on snapshots directly, the server by two clients over standard input and output."""

import sys
from pathlib import Path

import pytest

if (_FOLDER := str(Path(__file__).parent)) not in sys.path:
    sys.path.append(_FOLDER)

from editing.marked import Desk  # noqa: E402 - found only now


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with the files that the sample names."""
    return Desk.in_folder(tmp_path)
