"""What every test may need: the package found as users find it, and the interpreter of the `train` environment."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts us in the background leaves Ctrl-C ignored, and our processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The daemon that this user's commands talk to is none of ours.
os.environ["TUNEWRIGHT_CONTEXTS"] = os.devnull

# How long an example takes says how busy the machine is, not whether it passes.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# pytest puts the root on the path, where our folders `proto` and `daemon` would hide third-party modules.
_ROOT = Path(__file__).parents[1]
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]


@pytest.fixture(scope="session")
def train_python() -> str:
    """The interpreter of the `train` environment: TUNEWRIGHT_TRAIN_PYTHON, or what `tunewright env sync train` made."""
    if chosen := os.environ.get("TUNEWRIGHT_TRAIN_PYTHON"):
        return chosen
    import platformdirs

    from tunewright.runners.environments import interpreter

    cache = os.environ.get("TUNEWRIGHT_CACHE") or platformdirs.user_cache_dir("tunewright", appauthor=False)
    found = interpreter("train", Path(cache) / "environments")
    if found is None:
        pytest.fail("the `train` environment is missing; make it with: tunewright env sync train", pytrace=False)
    return str(found)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`, and how much of what is drawn at random is tried."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files with what is there now")
    parser.addoption("--fault-seed", type=int, default=1, help="seed of the crash matrix and of the simulation")
    parser.addoption("--crash-cases", type=int, default=24, help="how many combinations of deaths are tried")
    parser.addoption("--histories", type=int, default=100, help="how many histories are simulated")


def pytest_configure(config: pytest.Config) -> None:
    """Tell the drawings of the command line, which are compared in plain functions, that they are to be kept anew."""
    if config.getoption("--update-golden"):
        os.environ["UPDATE_GOLDEN"] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `matrix` unless it is asked for by name, whatever else `-m` says."""
    if "matrix" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("matrix")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def plugged_environment(train_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The train environment with one package more: a thin environment in front of it, as for a site's own."""
    folder = tmp_path_factory.mktemp("plugged")
    # A copy: what building leaves behind stays there.
    source = shutil.copytree(Path(__file__).parent / "plug_ins" / "acme", folder / "source")
    thin = folder / "environment"
    subprocess.run([train_python, "-m", "venv", "--without-pip", thin], check=True)
    asked = "import site; print(*site.getsitepackages(), sep='\\n')"
    sites = subprocess.run([train_python, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    borrowed = {*sites, *(str(path) for path in Path(train_python).parents[1].glob("lib/python3*/site-packages"))}
    (site,) = thin.glob("lib/python3*/site-packages")
    lines = [f"import site; site.addsitedir({path!r})" for path in sorted(borrowed)]
    (site / "borrowed.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(thin / "bin" / "python"), "install", "-q"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--no-index", str(source)], check=True)
    return thin
