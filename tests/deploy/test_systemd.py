"""The unit is one that systemd understands, keeps what it promises to runs, and lets the daemon do little else."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.runners.supervision.environment import ALLOWED

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "deploy" / "systemd"
#: What `systemd-analyze security` may count at most, of 100: most of it is for accelerators and the network.
EXPOSURE = 30


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is here in place of the one that it starts."""
    path = tmp_path / "tunewright.service"
    text = (SYSTEMD / "tunewright.service").read_text()
    path.write_text(text.replace("/opt/tunewright/bin/tunewright", sys.executable))
    return path


def test_systemd_understands_every_line(unit: Path) -> None:
    found = analyze("verify", "--man=no", str(unit))
    assert (found.returncode, found.stderr) == (0, "")


def test_it_lets_the_daemon_do_little_beside_its_work(unit: Path) -> None:
    found = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", str(unit))
    assert found.returncode == 0, found.stdout[-500:]


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / "tunewright.service").read_text().splitlines():
        name, sign, value = line.partition("=")
        if sign and not name.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_runs_outlive_the_daemon() -> None:
    unit = settings()
    for name, value in {
        "Type": "notify",
        "NotifyAccess": "main",
        "KillMode": "process",
        "Delegate": "yes",
        "OOMPolicy": "continue",
        "Restart": "always",
        "RestartPreventExitStatus": "3",
        "RuntimeDirectoryPreserve": "yes",
    }.items():
        assert unit[name] == [value], name
    assert "PrivateTmp" not in unit, "its folder goes with the service, and runs stay"


def test_folders_of_unit_and_tmpfiles_are_the_same() -> None:
    variables = dict(text.split("=", 1) for text in settings()["Environment"])
    places = {name: value.replace("%C", "/var/cache").replace("%S", "/var/lib") for name, value in variables.items()}
    made = re.findall(r"^d (\S+) 0700 tunewright tunewright", (SYSTEMD / "tunewright.tmpfiles.conf").read_text(), re.M)
    assert places["TMPDIR"] in made
    assert places["TUNEWRIGHT_CACHE"] in made
    assert places["TUNEWRIGHT_HOME"] == "/var/lib/tunewright"
    assert {"TMPDIR", "XDG_CACHE_HOME"} <= ALLOWED, "they reach the runners"


def test_the_environment_file_names_what_reaches_the_runners() -> None:
    text = (SYSTEMD / "daemon.env").read_text()
    assert set(re.findall(r"^#(\w+)=", text, re.M)) - {"TUNEWRIGHT_OPTIONS"} <= ALLOWED
