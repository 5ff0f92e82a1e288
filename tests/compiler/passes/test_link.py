"""A step's digest covers all it reads: what lies at the same path tomorrow may be something else."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.difference import changes
from tunewright.compiler.ir.plan import Plan

LEARNS_FROM_A_FOLDER = """\
{base: {model: "dir:chat-model"}, steps: {align: null, better: null, good: null, exam: {evaluate: {model: base}},
 pack: {export: {model: sft}}}}
"""


def plan_of(compilation: Compilation) -> Plan:
    assert compilation.plan is not None, [item.message for item in compilation.diagnostics]
    return compilation.plan


def test_other_weights_in_the_same_folder_are_another_model(
    compile_overlay: Callable[..., Compilation], world: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(world, tmp_path / "world")
    before = plan_of(compile_overlay(LEARNS_FROM_A_FOLDER, base_directory=folder))
    (folder / "chat-model" / "generation_config.json").write_text('{"temperature": 0.5}', encoding="utf-8")

    after = plan_of(compile_overlay(LEARNS_FROM_A_FOLDER, base_directory=folder))

    for name in ("sft", "exam"):
        assert before.step(name).digest != after.step(name).digest, name
        (told,) = changes(before.step(name), after.step(name))
        assert told.startswith("base.model sha256:")
    assert before.step("pack").digest != after.step("pack").digest
