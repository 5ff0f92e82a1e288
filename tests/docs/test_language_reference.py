"""docs/language.md is the language: every section and key, with the defaults that the compiler takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tunewright.compiler.facts.defaults import SUPERVISION
from tunewright.compiler.facts.metrics import METRICS
from tunewright.compiler.front import Compilation, compile_text
from tunewright.compiler.ir.facts import HardwareFacts
from tunewright.spec import methods
from tunewright.spec.formats import FORMATS, row_problem
from tunewright.spec.model.alert import Alert
from tunewright.spec.model.base import Base
from tunewright.spec.model.data import DataSet, Suite
from tunewright.spec.model.document import Allow, Resources, Spec, Step, StepResources, Triggers
from tunewright.spec.model.evaluate import Approve, Evaluate, Gate
from tunewright.spec.model.policy import Forbid, Policy, Require
from tunewright.spec.model.release import (
    Canary,
    Deploy,
    Export,
    ExportLimits,
    Health,
    Objectives,
    Quantize,
    Replicas,
    Restart,
)
from tunewright.spec.model.reward import Reward
from tunewright.spec.model.runner import Runner
from tunewright.spec.model.section import Section, parse_duration
from tunewright.spec.model.tracking import Mlflow, ReportTo, Wandb
from tunewright.spec.model.train import Parallelism, Train, Tuner
from tunewright.spec.model.watch import Watch
from tunewright.spec.rewards import REWARDS
from tunewright.spec.syntax import resolve_scalar
from tunewright.spec.tuners import TUNERS

TEXT = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")

#: Heading of a section -> what may be written there.
SECTIONS: dict[str, type[BaseModel]] = {
    "## The top level": Spec,
    "## `base`": Base,
    "## `data`": DataSet,
    "## `suites`": Suite,
    "## `steps`": Step,
    "#### `steps.NAME.resources`": StepResources,
    "### `train`": Train,
    "#### `train.tuner`": Tuner,
    "#### `train.rewards[]`": Reward,
    "#### `train.watch`": Watch,
    "#### `train.report_to`": ReportTo,
    "#### `train.report_to.mlflow`": Mlflow,
    "#### `train.report_to.wandb`": Wandb,
    "#### `train.parallelism`": Parallelism,
    "### `evaluate`": Evaluate,
    "### `gate`": Gate,
    "### `approve`": Approve,
    "### `export`": Export,
    "#### `export.quantize`": Quantize,
    "#### `export.limits`": ExportLimits,
    "#### `export.runner`": Runner,
    "### `deploy`": Deploy,
    "#### `deploy.replicas`": Replicas,
    "#### `deploy.canary`": Canary,
    "#### `deploy.objectives`": Objectives,
    "#### `deploy.health`": Health,
    "#### `deploy.restart`": Restart,
    "## `resources`": Resources,
    "## `triggers`": Triggers,
    "## `allow`": Allow,
    "## `alerts`": Alert,
}


def rows_of(heading: str, columns: str) -> list[list[str]]:
    """Return the cells of the table with these columns below a heading."""
    section = re.split(r"^#{2,4} ", TEXT.split(f"\n{heading}", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    table = section.split(f"| {columns} |\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[1:]]


def keys_of(heading: str) -> dict[str, list[str]]:
    return {row[0].strip("`"): row[1:] for row in rows_of(heading, "key | type | default | meaning")}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_there(heading: str) -> None:
    fields = SECTIONS[heading].model_fields
    written = keys_of(heading)
    assert list(written) == [field.alias or name for name, field in fields.items()]
    for (key, (kind, default, meaning)), field in zip(written.items(), fields.values(), strict=True):
        assert kind, key
        assert meaning.endswith("."), key
        assert (default == "**needed**") == field.is_required(), key


def test_every_section_of_the_language_has_a_heading() -> None:
    def below(section: type[BaseModel]) -> set[type[BaseModel]]:
        # Files of the daemon are held to the same strictness; the language is what lies in spec/.
        inner = [item for item in section.__subclasses__() if item.__module__.startswith("tunewright.spec.")]
        return {section} | {found for item in inner for found in below(item)}

    policies = below(Section) & {Policy, Forbid, Require}  # a language of its own: docs/policy.md
    assert set(SECTIONS.values()) == below(Section) - {Section} - policies


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> Compilation:
    folder = tmp_path_factory.mktemp("language")
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    (folder / "rows.jsonl").write_text((json.dumps(row) + "\n") * 64, encoding="utf-8")
    (folder / "quiz.jsonl").write_text('{"id": "1", "prompt": "a", "expected": "b"}\n', encoding="utf-8")
    spec = """
api_version: tunewright/v1
name: defaults
base: {model: hf://Qwen/Qwen2.5-0.5B-Instruct}
data: {rows: {source: "file:rows.jsonl"}}
suites: {quiz: {file: quiz.jsonl, metric: exact}}
steps:
  sft: {train: {method: sft, data: rows, parallelism: single}}
  exam: {evaluate: {model: sft, suites: quiz}}
  good: {gate: {require: exam.quiz.exact > 0.5}}
  sign: {approve: {role: anyone}}
  pack: {export: {model: sft}}
  serve: {deploy: {model: pack}}
"""
    machine = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30)
    return compile_text(spec, name="life.yaml", base_directory=folder, hardware=machine, variables={})


STEPS = {
    "## `steps`": "sft", "### `train`": "sft", "#### `train.tuner`": "sft", "#### `train.parallelism`": "sft",
    "#### `train.watch`": "sft",
    "### `evaluate`": "exam", "### `gate`": "good", "### `approve`": "sign", "### `export`": "pack",
    "### `deploy`": "serve",
}  # fmt: skip


@pytest.mark.parametrize("heading", STEPS)
def test_defaults_are_those_of_the_compiler(heading: str, resolved: Compilation) -> None:
    assert resolved.resolved is not None, [item.message for item in resolved.diagnostics]
    step = resolved.resolved.step(STEPS[heading])
    assert step is not None
    inner = heading.rstrip("`").partition(".")[2]
    body: Any = step if heading == "## `steps`" else getattr(step.body, inner) if inner else step.body
    compared = 0
    for key, (_, default, _) in keys_of(heading).items():
        literal = re.fullmatch(r"`([^`]+)`", default)
        if literal and literal[1] not in ("auto", "base") and parse_duration(literal[1]) is None:
            owners = methods.OWNERS.get(key, ()) if heading == "### `train`" else ()
            options = methods.METHODS[owners[0]].options if owners else {}
            value = options[key] if key in options else getattr(body, key)
            assert resolve_scalar(literal[1]) == (value[0] if isinstance(value, tuple) else value), key
            compared += 1
    assert compared


@pytest.mark.parametrize("name", SUPERVISION)
def test_services_are_kept_alive_as_the_page_says(name: str) -> None:
    path, usual = SUPERVISION[name]
    section, _, key = path.rpartition(".")
    told = keys_of(f"#### `deploy.{section}`" if section else "### `deploy`")[key][1].strip("`")
    assert (parse_duration(told) or resolve_scalar(told)) == usual


def test_tuners_are_those_of_the_table() -> None:
    rows = rows_of("#### `train.tuner`", "type | what learns | leaves | strategies")
    assert [(row[0].strip("`"), row[1]) for row in rows] == [(name, item.meaning) for name, item in TUNERS.items()]
    for (_, _, leaves, strategies), tuner in zip(rows, TUNERS.values(), strict=True):
        names = frozenset(re.findall(r"`(\w+)`", strategies))
        assert tuner.strategies == names or (strategies == "all" and len(tuner.strategies) == 7)
        assert (leaves == "a model") == (not tuner.makes_adapter)
        assert ("never melted in" in leaves) == (not tuner.merges)
        assert ("or served" in leaves) == (not tuner.engines)


def test_learning_rates_are_those_of_the_compiler() -> None:
    for method, adapters, full in rows_of("### `train`", "method | adapters | all weights"):
        assert (float(adapters), float(full)) == methods.METHODS[method].learning_rate


def test_own_keys_of_methods_are_those_of_the_table() -> None:
    shown = {row[0]: row[1:] for row in rows_of("### `train`", "method | formats | own keys")}
    for name, method in methods.METHODS.items():
        formats, own = shown.pop(name)
        assert formats.split(", ") == list(method.formats)
        defaults = dict(re.findall(r"`(\w+)` (?:`([^`]*)`|unset)", own))
        assert {key: resolve_scalar(text) if text else None for key, text in defaults.items()} == method.options
    assert not shown


def test_rewards_are_those_of_the_table() -> None:
    shown = rows_of("#### `train.rewards[]`", "reward | own keys | pays")
    assert [name for name, *_ in shown] == list(REWARDS)
    for name, own, meaning in shown:
        assert re.findall(r"`(\w+)`", own) == list(REWARDS[name].options)
        assert meaning == REWARDS[name].meaning


def test_rows_shown_fit_their_format() -> None:
    shown = rows_of("## `data`", "format | a row | for")
    assert {form.strip("`") for form, _, _ in shown} == set(FORMATS)
    for form, example, fit in shown:
        row = json.loads(re.search(r"`(\{.*?\})`", example)[1])  # type: ignore[index]
        assert row_problem(row, form.strip("`")) is None
        fitting = [name for name, method in methods.METHODS.items() if form.strip("`") in method.formats]
        assert fit.split(", ") == fitting


def test_metrics_report_what_is_written() -> None:
    shown = {
        metric.strip("`"): re.findall(r"`(\w+)`", reports)
        for metric, _, reports in rows_of("## `suites`", "metric | a row | reports")
    }
    assert set(shown) == set(METRICS)
    for metric, reports in shown.items():
        assert reports == [name for name in METRICS[metric].reports if not name.endswith("_stderr")], metric


def test_whole_specs_compile_but_for_their_files(tmp_path: Path) -> None:
    machine = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30)
    for text in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        found = compile_text(
            text, name="life.yaml", base_directory=tmp_path, hardware=machine, variables={}
        ).diagnostics
        assert {item.code for item in found} <= {"TW2010", "TW2019", "TW6011"}, [item.message for item in found]


def test_the_smallest_spec_is_short() -> None:
    first = re.search(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert first is not None
    assert first[1].count("\n") < 10
