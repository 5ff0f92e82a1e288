"""The examples for build services: they parse, and their own shell lines do what they promise on good and bad specs."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import tunewright

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])


def gitlab_lines() -> list[str]:
    return list(yaml.safe_load((CI / "gitlab-ci.yml").read_text(encoding="utf-8"))["spec"]["script"])


def github_lines() -> list[str]:
    steps = yaml.safe_load((CI / "github.yml").read_text(encoding="utf-8"))["jobs"]["spec"]["steps"]
    return [step["run"] for step in steps if "run" in step and "pip install" not in step["run"]]


def jenkins_lines() -> list[str]:
    lines = re.findall(r"^\s+sh '([^']+)'$", (CI / "Jenkinsfile").read_text(encoding="utf-8"), re.MULTILINE)
    return [line.replace(".venv/bin/", "") for line in lines if "pip install" not in line]


LINES = {"gitlab": gitlab_lines, "github": github_lines, "jenkins": jenkins_lines}
REPORTS = {
    "gitlab": ("gl-code-quality-report.json", "tunewright-junit.xml"),
    "github": ("tunewright.sarif",),
    "jenkins": ("tunewright-junit.xml",),
}


class Checkout:
    """A clean checkout of a spec with its lock, and `tunewright` on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        shutil.copytree(ROOT / "examples" / "newsroom", self.folder, ignore=shutil.ignore_patterns("life.lock"))
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "tunewright"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m tunewright "$@"\n')
        program.chmod(0o755)
        keep = {key: value for key, value in os.environ.items() if not key.startswith("TUNEWRIGHT")}
        self.environment = keep | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": PACKAGE_ROOT,
            "TUNEWRIGHT_HOME": str(folder / "home"),
            "TUNEWRIGHT_CACHE": str(folder / "cache"),
            "SPEC": "life.yaml",
        }
        assert self.run("tunewright lock").returncode == 0

    def run(self, line: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run_until_failure(self, lines: list[str]) -> Iterator["subprocess.CompletedProcess[str]"]:
        """Run lines as a build service does: the first that fails ends the build."""
        for line in lines:
            done = self.run(line)
            yield done
            if done.returncode != 0:
                return


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def errors_in(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".xml":
        return len(ElementTree.fromstring(text).findall(".//failure"))
    value = json.loads(text)
    if isinstance(value, list):
        return sum(issue["severity"] == "critical" for issue in value)
    return sum(result["level"] == "error" for result in value["runs"][0]["results"])


@pytest.mark.parametrize("service", LINES)
def test_a_good_spec_passes_and_is_planned(service: str, checkout: Checkout) -> None:
    lines = LINES[service]()
    done = list(checkout.run_until_failure(lines))
    assert [item.returncode for item in done] == [0] * len(lines), done[-1]
    assert "tunewright plan" in lines[-1]
    assert "newsroom" in done[-1].stdout
    assert [errors_in(checkout.folder / name) for name in REPORTS[service]] == [0] * len(REPORTS[service])


@pytest.mark.parametrize("service", LINES)
@pytest.mark.parametrize("fault", ["mistake", "drift"])
def test_a_bad_spec_fails_and_is_reported(service: str, fault: str, checkout: Checkout) -> None:
    if fault == "mistake":
        spec = checkout.folder / "life.yaml"
        spec.write_text(spec.read_text().replace("method:", "methd:", 1))
    else:
        rows = next(iter(sorted((checkout.folder / "data").glob("*.jsonl"))))
        rows.write_text("".join(reversed(rows.read_text().splitlines(keepends=True))))
    done = list(checkout.run_until_failure(LINES[service]()))
    assert done[-1].returncode == 1, done
    assert "tunewright plan" not in " ".join(done[-1].args)
    assert ("TW1003" if fault == "mistake" else "TW7202") in done[-1].stdout
    assert all(errors_in(checkout.folder / name) >= 1 for name in REPORTS[service])


def test_the_reports_that_are_collected_are_those_that_are_written() -> None:
    gitlab = yaml.safe_load((CI / "gitlab-ci.yml").read_text(encoding="utf-8"))
    assert set(gitlab["spec"]["artifacts"]["reports"].values()) == set(REPORTS["gitlab"])
    assert gitlab["spec"]["stage"] in gitlab["stages"]
    assert "'tunewright-junit.xml'" in (CI / "Jenkinsfile").read_text(encoding="utf-8")
    github = yaml.safe_load((CI / "github.yml").read_text(encoding="utf-8"))
    uploads = [
        step["with"]["sarif_file"] for step in github["jobs"]["spec"]["steps"] if "sarif_file" in step.get("with", {})
    ]
    assert uploads == list(REPORTS["github"])
    assert github["permissions"]["contents"] == "read"


def test_the_jenkinsfile_is_balanced() -> None:
    text = re.sub(r"'[^']*'|//[^\n]*", "", (CI / "Jenkinsfile").read_text(encoding="utf-8"))
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert text.lstrip().startswith("pipeline {")
