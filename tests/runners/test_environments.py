"""Environments: what names one, made once by whoever comes first, made again after a kill, ours alone inside."""

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from tunewright.runners import environments
from tunewright.runners.environments import ENVIRONMENTS


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An environment of the table without a package: made in seconds, by the same code."""
    with pytest.MonkeyPatch.context() as patch:
        yield add_environment(patch, tmp_path_factory.mktemp("requirements") / "bare.txt", "# nothing\n")


@dataclass
class Made:
    """What two calls of `sync` at once have made and said."""

    root: Path
    python: Path
    said: list[str]


@pytest.fixture(scope="module")
def made(bare: str, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The bare environment, made by two callers at the same time."""
    root, said = tmp_path_factory.mktemp("environments"), list[str]()
    assert environments.interpreter(bare, root) is None
    both = [threading.Thread(target=environments.sync, args=(bare, root, said.append)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    python = environments.interpreter(bare, root)
    assert python is not None, said
    return Made(root, python, said)


def add_environment(monkeypatch: pytest.MonkeyPatch, file: Path, text: str) -> str:
    file.write_text(text)
    entry = environments.Environment(name=file.stem, purpose="tests", requirement_file=str(file))
    monkeypatch.setitem(cast("dict[str, environments.Environment]", ENVIRONMENTS), file.stem, entry)
    return file.stem


def imports(python: Path, module: str) -> bool:
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run([python, "-P", "-c", f"import {module}"], capture_output=True, env=clean).returncode == 0


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_every_environment_is_pinned_and_has_a_digest(name: str) -> None:
    lines = environments.requirements(name)
    assert lines
    for line in lines:
        assert "==" in line, f"{name}: {line} is not an exact pin"
        assert "://" not in line, "no host of a registry"
        assert not line.startswith("-"), "no options: where packages come from is the site's affair"
    assert environments.digest(name).startswith("sha256:")


def test_the_digest_ignores_comments_and_order_but_no_pin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def digest(text: str) -> str:
        return environments.digest(add_environment(monkeypatch, tmp_path / "some.txt", text))

    pinned = digest("one==1\ntwo==2\n")
    assert digest("# why\ntwo==2  # because\n\none==1\n") == pinned
    assert digest("one==1\ntwo==2.1\n") != pinned


def test_the_pins_carry_no_build_of_one_accelerator() -> None:
    assert "torch==2.13.0" in environments.requirements("train")


def test_an_unknown_environment_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(environments.UnknownEnvironmentError, match=r"no environment `tran`; known: .*train"):
        environments.interpreter("tran", tmp_path)


def test_two_at_once_make_it_once_and_only_our_package_is_inside(made: Made) -> None:
    assert sum("installing" in line for line in made.said) == 1, made.said
    assert imports(made.python, "tunewright.runners.contract")
    assert not imports(made.python, "grpc"), "the control plane's packages stay outside"


def test_a_sites_own_interpreter_is_used_and_left_untouched(bare: str, made: Made, tmp_path: Path) -> None:
    site = next(made.python.parents[1].glob("lib/python3.*/site-packages"))
    (site / "theirs.py").write_text("")
    before = files_below(made.python.parents[1])
    python = environments.use(bare, made.python, tmp_path)
    assert environments.interpreter(bare, tmp_path) == python != made.python
    assert imports(python, "theirs")
    assert imports(python, "tunewright.runners.sdk")
    assert files_below(made.python.parents[1]) == before


def test_a_sites_own_interpreter_that_is_gone_is_not_replaced_in_silence(bare: str, made: Made, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.symlink_to(made.python)
    environments.use(bare, theirs, made.root)
    theirs.unlink()
    assert environments.gone(bare, made.root) == theirs
    assert environments.interpreter(bare, made.root) is None
    said: list[str] = []
    assert environments.sync(bare, made.root, said.append) == made.python
    assert "which stood for it, is gone" in said[0]


def test_an_interpreter_is_asked_what_it_lacks(made: Made) -> None:
    lacks = environments.lacking("train", made.python)
    assert lacks["train.trl"][:2] == ("torch", "transformers")
    assert set(lacks) >= {"fetch.model", "evaluate.suites"}
    assert environments.lacking("serve-vllm", made.python) == {}


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_what_a_killed_installation_left_is_made_again(bare: str, made: Made) -> None:
    folder = made.python.parents[1]
    (folder / "tunewright-environment.json").unlink()
    (folder / "half").write_text("written")
    assert environments.interpreter(bare, made.root) is None
    said: list[str] = []
    assert environments.sync(bare, made.root, said.append) == made.python
    assert any("interrupted" in line for line in said)
    assert not (folder / "half").exists()


def test_what_is_no_interpreter_is_refused(bare: str, tmp_path: Path) -> None:
    with pytest.raises(environments.EnvironmentSyncError, match="does not answer as a Python interpreter"):
        environments.use(bare, Path("/bin/true"), tmp_path)
