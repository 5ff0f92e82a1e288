"""The passes are pure: the same bytes everywhere, nothing read or opened, nothing heavy loaded."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tunewright
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import DataFacts, Facts
from tunewright.compiler.ir.plan import Plan, plan_from_json
from tunewright.spec.canonical import canonical_json

Compile = Callable[..., Compilation]

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])

#: Compile the sample for a laptop; what follows looks at `compiled` or compiles again.
COMPILE = """
import json, sys
from pathlib import Path
from tunewright.compiler.front import compile_file, request_for
from tunewright.compiler.ir.facts import HardwareFacts
from tunewright.spec.canonical import canonical_json
laptop = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30)
spec = Path(sys.argv[1])
compiled = compile_file(spec, hardware=laptop)
"""


def run(script: str, folder: Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a script in a fresh interpreter and return what it printed."""
    finished = subprocess.run(
        [sys.executable, "-P", "-c", COMPILE + script, str(folder / "sample.yaml")],
        cwd=cwd or folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGE_ROOT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_same_bytes_everywhere(world: Path, tmp_path: Path) -> None:
    script = "sys.stdout.write(canonical_json(compiled.plan.to_json()).decode())"
    runs = [
        run(script, world, PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C"),
        run(script, world, PYTHONHASHSEED="1", TZ="Asia/Shanghai", LC_ALL="C.UTF-8"),
        run(script, world, cwd=tmp_path, PYTHONHASHSEED="4711", TZ="America/St_Johns", HOME=str(tmp_path)),
    ]
    assert len(set(runs)) == 1
    assert plan_from_json(json.loads(runs[0])).digest == json.loads(runs[0])["digest"]


def test_same_findings_everywhere(world: Path, tmp_path: Path) -> None:
    broken = tmp_path / "sample.yaml"
    text = (world / "sample.yaml").read_text(encoding="utf-8")
    broken.write_text(text.replace("method", "metod").replace("metric: exact", "metric: exakt"), encoding="utf-8")
    script = "print(*[(item.code, item.message, item.help) for item in compiled.diagnostics], sep='\\n')"
    runs = {run(script, tmp_path, PYTHONHASHSEED=seed) for seed in ("0", "1", "2")}
    assert len(runs) == 1


def test_passes_touch_nothing(world: Path) -> None:
    script = """
from dataclasses import replace
from tunewright.compiler.collect.gather import collect
from tunewright.compiler.pipeline import compile_work, new_work, read
touched = []
watching = False
kinds = {'open', 'os', 'socket', 'subprocess', 'shutil', 'tempfile', 'glob', 'import'}
def hook(event, arguments):
    if watching and event.split(".")[0] in kinds:
        touched.append(f"{event} {arguments}")
sys.addaudithook(hook)
text = spec.read_text()
watching = True
work = read(new_work(text, "life.yaml"))
watching = False
facts = collect(request_for(work.spec), spec.parent, cache=None, hardware=laptop)
watching = True
work = compile_work(replace(work, facts=facts))
watching = False
print(json.dumps({"touched": touched, "plan": work.plan is not None}))
"""
    assert json.loads(run(script, world)) == {"touched": [], "plan": True}


def test_nothing_heavy_is_loaded(world: Path) -> None:
    script = "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    loaded = set(json.loads(run(script, world)))
    heavy = {
        "torch",
        "transformers",
        "peft",
        "trl",
        "deepspeed",
        "vllm",
        "datasets",
        "accelerate",
        "numpy",
        "grpc",
        "google",
    }
    assert loaded & heavy == set()
    assert "tunewright" in loaded


def plan_of(compile_overlay: Compile, overlay: str, **options: Any) -> Plan:
    compilation = compile_overlay(overlay, **options)
    assert compilation.plan is not None, [item.message for item in compilation.diagnostics]
    return compilation.plan


def digests(plan: Plan) -> dict[str, str]:
    return {step.name: step.digest for step in plan.steps}


@pytest.mark.parametrize(
    "overlay",
    [
        "description: another text",
        "steps: {sft: {train: {logging_steps: 5}}}",
        "steps: {sft: {train: {save_steps: 7, save_total_limit: 5}}}",
        "steps: {sft: {timeout: 2h, retries: 5}}",
        "profiles: {prod: {seed: 1}}",
        "steps: {sft: {train: {tuner: lora}}}",
    ],
)
def test_step_digest_is_blind_to_what_changes_nothing(overlay: str, compile_overlay: Compile) -> None:
    assert digests(plan_of(compile_overlay, overlay)) == digests(plan_of(compile_overlay, "{}"))


def test_step_digest_is_blind_to_the_names_of_lives(compile_overlay: Compile) -> None:
    renamed = digests(plan_of(compile_overlay, "name: other"))
    before = digests(plan_of(compile_overlay, "{}"))
    assert {name for name in before if before[name] != renamed[name]} == {"serve"}  # clients ask for the model by it


def test_digest_is_blind_to_order_and_comments(compile_spec: Compile, sample: str) -> None:
    head, steps = sample.split("steps:\n")
    lines = head.splitlines(keepends=True)
    moved = "# a comment\nsteps:\n" + steps + "".join(lines[2:]) + "# and one more\n" + "".join(lines[:2])
    first, second = compile_spec(sample).plan, compile_spec(moved).plan
    assert first is not None
    assert second is not None
    assert first.spec_digest == second.spec_digest
    assert digests(first) == digests(second)


@pytest.mark.parametrize(
    ("overlay", "changed"),
    [
        ("steps: {align: {train: {beta: 0.2}}}", {"align", "exam", "good", "pack", "serve"}),
        ("steps: {sft: {train: {learning_rate: 1e-4}}}", {"sft", "align", "exam", "good", "pack", "serve"}),
        ("suites: {quiz: {limit: 10}}", {"exam", "good"}),
        ('steps: {good: {gate: {require: "exam.quiz.exact >= 0.6"}}}', {"good"}),
        ("steps: {pack: {export: {quantize: {method: bnb}}}}", {"pack", "serve"}),
        ("steps: {serve: {deploy: {port: 8124}}}", {"serve"}),
        ("seed: 7", {"sft", "align", "exam", "good", "pack", "serve"}),
    ],
)
def test_change_reaches_exactly_what_rests_on_it(overlay: str, changed: set[str], compile_overlay: Compile) -> None:
    before, after = plan_of(compile_overlay, "{}"), plan_of(compile_overlay, overlay)
    assert {name for name in digests(before) if digests(before)[name] != digests(after)[name]} == changed


def test_changed_row_reaches_what_learned_from_it(
    compile_spec: Compile, world: Path, tmp_path: Path, sample: str
) -> None:
    for name in ("rows.jsonl", "pairs.jsonl", "quiz.jsonl"):
        (tmp_path / name).write_bytes((world / name).read_bytes())
    before = compile_spec(sample, base_directory=tmp_path).plan
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(pairs.read_text().replace("working days", "days", 1))
    after = compile_spec(sample, base_directory=tmp_path).plan
    assert before is not None
    assert after is not None
    changed = {name for name in digests(before) if digests(before)[name] != digests(after)[name]}
    assert changed == {"align", "exam", "good", "pack", "serve"}


def test_plan_reads_back(compile_overlay: Compile) -> None:
    plan = plan_of(compile_overlay, "{}")
    again = plan_from_json(json.loads(canonical_json(plan.to_json())))
    assert canonical_json(again.to_json()) == canonical_json(plan.to_json())


def test_data_set_named_like_a_volatile_field_counts() -> None:
    def digest(content: str) -> str:
        return Facts(data={"path": DataFacts(digest=content), "cached": DataFacts(rows=1)}).digest()

    assert digest("sha256:1") != digest("sha256:2")
