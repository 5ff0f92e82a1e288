"""The formats of build services: whole, escaped, and the same finding recognised again when lines move."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from sarif_pydantic import Sarif

from tunewright.compiler.front import Compilation
from tunewright.compiler.render.github import render_github
from tunewright.compiler.render.gitlab import render_gitlab
from tunewright.compiler.render.junit import render_junit
from tunewright.compiler.render.report import CheckedSpec, findings
from tunewright.compiler.render.sarif import sarif_value
from tunewright.compiler.rules import explanation

Compile = Callable[..., Compilation]

SCHEMA = json.loads((Path(__file__).parent / "sarif-essentials.schema.json").read_text(encoding="utf-8"))

MEAN = "méan, 100%: \U0001f600 ::error::x"


@pytest.fixture
def broken(sample: str) -> str:
    return sample.replace("method: sft", "method: sft, num_train_epoch: 1").replace("metric: exact", "metric: exakt")


@pytest.fixture
def report(compile_spec: Compile, broken: str) -> Callable[..., CheckedSpec]:
    def report(text: str = broken, path: str = "teams/risk & co/life.yaml", **options: object) -> CheckedSpec:
        return CheckedSpec(path=path, diagnostics=compile_spec(text, name=path, **options).diagnostics)

    return report


Report = Callable[..., CheckedSpec]


def test_sarif_is_whole_and_brings_its_rules(report: Report) -> None:
    problem = CheckedSpec(path="gone.yaml", problem="there is no file `gone.yaml`")
    value = sarif_value([report(), problem])
    jsonschema.Draft202012Validator(SCHEMA).validate(value)
    Sarif.model_validate(value)  # an independent reading of the standard
    (run,) = value["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        explained = explanation(rule["id"])
        assert explained is not None
        assert rule["id"] == result["ruleId"]
        assert explained.why in rule["help"]["text"]
        assert "```yaml" in rule["help"]["markdown"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri == "teams/risk%20%26%20co/life.yaml"
        assert unquote(uri) == "teams/risk & co/life.yaml"
    assert run["invocations"][0]["executionSuccessful"] is False


def test_sarif_fix_mends_the_text(report: Report, broken: str) -> None:
    (run,) = sarif_value([report()])["runs"]
    fixed = next(item for item in run["results"] if item["ruleId"] == "TW1003")
    (replacement,) = fixed["fixes"][0]["artifactChanges"][0]["replacements"]
    region = replacement["deletedRegion"]
    line = broken.splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "num_train_epoch"
    assert replacement["insertedContent"]["text"] == "num_train_epochs"


def test_sarif_columns_count_as_declared(report: Report, sample: str) -> None:
    text = sample.replace("name: sample", 'name: sample\ndescription: {"\U0001f600": x}', 1)
    (run,) = sarif_value([report(text)])["runs"]
    (result,) = run["results"]
    assert result["locations"][0]["physicalLocation"]["region"]["endColumn"] == len('description: {"??": x}') + 1


def test_an_override_has_no_line_in_the_file(report: Report, sample: str) -> None:
    checked = report(sample, sets=("steps.sft.train.learning_rate=fast",))
    (finding,) = findings(checked)
    assert finding.span is None
    assert finding.path == checked.path
    assert "--set 1" in finding.message
    assert "line=" not in render_github([checked])
    jsonschema.validate(sarif_value([checked]), SCHEMA)
    assert json.loads(render_gitlab([checked]))[0]["location"]["lines"]["begin"] == 1


def test_nothing_in_a_spec_begins_a_command(report: Report, sample: str) -> None:
    keys = f"{json.dumps(MEAN, ensure_ascii=False)}: 1\n::stop-commands::x: 1"
    text = sample.replace("name: sample", f"name: sample\n{keys}", 1)
    lines = render_github([report(text, path="odd,name:1%.yaml")]).splitlines()
    assert len(lines) >= 2
    for line in lines:
        match = re.fullmatch(r"::(error|warning|notice) (?P<properties>[^\n]*?)::(?P<message>.*)", line)
        assert match is not None, line
        assert "file=odd%2Cname%3A1%25.yaml," in match["properties"]
    assert not any(line.startswith("::stop") for line in lines)
    assert any("100%25" in line for line in lines)


def test_github_names_line_columns_and_rule(report: Report, broken: str) -> None:
    (line,) = [line for line in render_github([report()]).splitlines() if "TW1003" in line]
    number = next(index for index, text in enumerate(broken.splitlines(), 1) if "num_train_epoch:" in text)
    assert f"line={number},endLine={number},col=" in line
    assert "title=TW1003 unknown-key::unknown key `num_train_epoch`" in line
    assert "%0Ahelp: " in line


def test_gitlab_issues_are_whole_and_told_apart(report: Report) -> None:
    checked = report()
    issues = json.loads(render_gitlab([checked, CheckedSpec(path="./gone.yaml", problem="not there")]))
    assert len(issues) == len(checked.diagnostics) + 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    for issue in issues:
        assert set(issue) >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
    assert issues[-1]["location"]["path"] == "gone.yaml"


def test_fingerprints_outlive_moved_lines(report: Report, broken: str) -> None:
    moved = report("# one\n# two\n" + broken)
    before, after = [[item.fingerprint for item in findings(checked)] for checked in (report(), moved)]
    assert before == after
    assert len(set(before)) == len(before) > 1


def test_junit_has_a_suite_a_spec(report: Report, sample: str) -> None:
    sound = report(sample, path="sound.yaml")
    gone = CheckedSpec(path="gone.yaml", problem="there is no file `gone.yaml`")
    odd = report(sample.replace("name: sample", 'name: sample\n"k<&\\u0007": 1', 1), path="odd.yaml")
    root = ElementTree.fromstring(render_junit([report(), sound, gone, odd]))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["teams/risk & co/life.yaml", "sound.yaml", "gone.yaml", "odd.yaml"]
    for element in (root, *root):
        assert int(element.get("tests", "-1")) == len(element.findall(".//testcase"))
        assert int(element.get("failures", "-1")) == len(element.findall(".//failure"))
        assert int(element.get("errors", "-1")) == len(element.findall(".//error"))
    assert [case.get("name") for case in suites["sound.yaml"]] == ["no errors"]
    assert suites["gone.yaml"].find(".//error") is not None
    failure = suites["odd.yaml"].find(".//failure")
    assert failure is not None
    assert "k<&" in str(failure.get("message"))


def test_warnings_do_not_fail_a_junit_case(report: Report, sample: str) -> None:
    checked = report(re.sub("model: [^\n}]*", 'model: "hf://Qwen/Qwen2.5-0.5B-Instruct"', sample, count=1))
    assert [item.code for item in checked.diagnostics] == ["TW2019"]
    root = ElementTree.fromstring(render_junit([checked]))
    assert root.get("failures") == "0"
    assert "warning: " in str(root.findtext(".//system-out"))
