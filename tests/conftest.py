"""What every test may need: the package found as users find it, and the interpreter of the `train` environment."""

import os
import sys
from pathlib import Path

import pytest

# pytest puts the root on the path; there our folders `proto`, `client`, `daemon` would hide third-party modules of those names.
_ROOT = Path(__file__).parents[1]
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]


@pytest.fixture(scope="session")
def train_python() -> str:
    """The interpreter of the `train` environment: TUNEWRIGHT_TRAIN_PYTHON, or the one that `tunewright env sync train` made."""
    if chosen := os.environ.get("TUNEWRIGHT_TRAIN_PYTHON"):
        return chosen
    import platformdirs

    from tunewright.runners.environments import interpreter

    cache = os.environ.get("TUNEWRIGHT_CACHE") or platformdirs.user_cache_dir("tunewright", appauthor=False)
    found = interpreter("train", Path(cache) / "environments")
    if found is None:
        pytest.fail("the `train` environment is missing; make it with: tunewright env sync train", pytrace=False)
    return str(found)
