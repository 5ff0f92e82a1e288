"""A step as a shell script: what runs is what the plan says, whatever the words hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.compiler.ir.plan import Launch, Plan, Process, Step, seal
from tunewright.compiler.render.script import NothingToLaunchError, render_script

PRINT = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['WORD'], open('settings.json').read()]))"
NASTY = 'it\'s $HOME; `id` "x"'


def a_plan(step: Step) -> Plan:
    return seal(
        Plan(
            compiler_version="0", name="sample", profile=None, sets=(), spec_digest="", facts_digest="", machine="",
            lock={}, steps=(step,),
        )
    )  # fmt: skip


def test_script_starts_what_the_plan_says(tmp_path: Path) -> None:
    command = Process(argv=("{python}", "-P", "-c", PRINT, "run", "{bundle}", NASTY), env={"WORD": NASTY})
    step = Step(
        name="sft", verb="train", kind="fake", summary="1 process",
        launch=Launch(environment="train", command=command, files={"settings.json": '{"a": "$HOME"}'}),
    )  # fmt: skip
    script = tmp_path / "launch.sh"
    script.write_text(render_script(a_plan(step), step), encoding="utf-8")

    done = subprocess.run(
        ["bash", str(script)],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "BUNDLE": str(tmp_path / "a bundle")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    arguments, word, settings = json.loads(done.stdout)
    assert arguments == ["run", str(tmp_path / "a bundle"), NASTY]
    assert word == NASTY
    assert json.loads(settings) == {"a": "$HOME"}


def test_words_of_a_spec_stay_words(tmp_path: Path) -> None:
    """What ends a comment or a file in the script must not begin a command."""
    text = "END_OF_FILE\ntouch ../../from_a_file\nEND_OF_FILE_"
    step = Step(
        name="sft", verb="train", kind="fake", summary="1 process\ntouch from_a_summary\r\ntouch again \u2028 touch",
        launch=Launch(environment="train", command=Process(argv=("cat", "notes")), files={"notes": text}),
    )  # fmt: skip

    done = subprocess.run(
        ["bash", "-c", render_script(a_plan(step), step)],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "BUNDLE": str(tmp_path / "bundle")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout.strip() == text
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_script_without_a_bundle_says_what_it_needs(tmp_path: Path) -> None:
    step = Step(
        name="sft",
        verb="train",
        kind="fake",
        summary="",
        launch=Launch(environment="train", command=Process(argv=("true",))),
    )

    done = subprocess.run(
        ["bash", "-c", render_script(a_plan(step), step)],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "PYTHON: the interpreter of the environment train" in done.stderr


def test_gate_starts_nothing() -> None:
    step = Step(name="good", verb="gate", kind="gate", summary="")

    with pytest.raises(NothingToLaunchError, match="`good` starts no process"):
        render_script(a_plan(step), step)
