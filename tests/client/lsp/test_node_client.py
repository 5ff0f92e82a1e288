"""The server and a client of other people's making: the protocol's reference libraries for Node."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from editing.marked import SAMPLE, Desk

from tunewright.spec.methods import METHODS

PACKAGES = ("vscode-jsonrpc@10.0.0", "vscode-languageserver-protocol@3.18.5")
SCRIPT = Path(__file__).parent / "editing" / "client.mjs"


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path:
    """The folder of the client's libraries; npm fetches them on the first use."""
    assert request.config.cache is not None
    folder = Path(request.config.cache.mkdir("npm-lsp"))
    if not (folder / "node_modules" / "vscode-languageserver-protocol").exists():
        install = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *PACKAGES]
        done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"npm could not install {PACKAGES}:\n{done.stderr}"
    return folder


def test_it_is_understood(desk: Desk, node_modules: Path) -> None:
    spec = desk.folder / "life.yaml"
    spec.write_text(SAMPLE.replace("suites: [quiz]", "suites: [quizz]"), encoding="utf-8")
    command = ["node", str(SCRIPT), str(node_modules), sys.executable, str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    assert (told["server"], told["encoding"], told["exit"]) == ("tunewright", "utf-16", 0)
    assert told["found"]["version"] == 3
    assert "TW2022" in told["found"]["codes"]
    assert told["offered"] == list(METHODS)
    assert "Which weights learn" in told["hover"]
    assert told["renamed"] == [11, 16, 17]
    assert "is not a name" in told["refused"]
