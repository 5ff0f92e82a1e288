"""The programs of Prometheus: this machine's, else those of Debian's package, unpacked into the cache."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tunewright.daemon.home import cache_folder


@pytest.fixture(scope="session")
def prometheus_programs() -> Path:
    """Return the folder that holds `prometheus` and `promtool`; skip where there is no way to have them."""
    installed = shutil.which("promtool")
    if installed is not None and shutil.which("prometheus") is not None:
        return Path(installed).parent
    folder = cache_folder() / "tools" / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        programs = folder / "unpacked" / "usr" / "bin"
        if not (programs / "promtool").exists():
            fetch(folder)
    return programs


def fetch(folder: Path) -> None:
    """Download and unpack the package."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip("neither is Prometheus installed, nor is there apt to get it")
    try:
        subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, check=True, capture_output=True, timeout=120)
        (package,) = folder.glob("prometheus_*.deb")
        subprocess.run(
            ["dpkg", "-x", str(package), "unpacked"], cwd=folder, check=True, capture_output=True, timeout=60
        )
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        pytest.skip(f"Prometheus is not installed, and apt does not bring it: {error}")
