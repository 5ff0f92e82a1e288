"""Whole files of three frameworks: each becomes a spec that compiles, or is refused; the texts are kept as goldens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.compiler.front import Compilation
from tunewright.compiler.importers.draft import Draft
from tunewright.compiler.importers.front import Imported, Input, import_texts
from tunewright.compiler.render.full import render_full

SAMPLES = Path(__file__).parent / "samples"
GOLDEN = Path(__file__).parents[2] / "golden" / "importers"
FRAMEWORKS = ("ms_swift", "llama_factory", "axolotl")
#: Beside the samples lie what they refer to; a merge alone names an adapter that only its training file explains.
APART = {"ds_z3_offload.json", "dataset_info.json", "table.yaml"}
REFUSED = {"merge_lora.yaml"}
FILES = sorted(
    path
    for framework in FRAMEWORKS
    for path in (SAMPLES / framework).iterdir()
    if path.is_file() and path.name not in APART
)
IDS = [f"{path.parent.name}/{path.name}" for path in FILES]


def import_file(path: Path) -> Imported:
    return import_texts([Input(name=path.name, text=path.read_text(encoding="utf-8"), folder=path.parent)])


def is_refused(path: Path) -> bool:
    return path.name.startswith("refused") or path.name in REFUSED


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_sample_imports_as_the_golden_says(path: Path, update_golden: bool) -> None:
    imported = import_file(path)
    refusals = "".join(f"refused: {item.subject}: {item.reason}\n" for item in imported.draft.refused)
    text = imported.text if imported.text is not None else refusals
    golden = GOLDEN / path.parent.name / f"{path.name}.txt"
    if update_golden:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")
    assert (imported.text is None) == is_refused(path)


@pytest.mark.parametrize("path", [path for path in FILES if not is_refused(path)], ids=str)
def test_imported_spec_compiles(
    path: Path, stand_in: Callable[[Draft], Path], compile_spec: Callable[..., Compilation]
) -> None:
    imported = import_file(path)
    compilation = compile_spec(imported.text, base_directory=stand_in(imported.draft))
    errors = [item for item in compilation.diagnostics if item.severity == "error"]

    assert compilation.plan is not None, render_full(errors or compilation.diagnostics)


def test_every_option_of_a_sample_is_accounted_for() -> None:
    """No option vanishes: its name stands beside a line, among the remarks, or among the refusals."""
    for framework in ("llama_factory", "axolotl"):
        for path in sorted((SAMPLES / framework).glob("*.yaml")):
            imported = import_file(path)
            draft = imported.draft
            if imported.text is None:
                continue
            words = " ".join(
                [line.origin for line in draft.lines]
                + [item.subject for group in (draft.left_out, draft.lost, draft.assumed) for item in group]
            )
            for line in path.read_text(encoding="utf-8").splitlines():
                name = line.split(":")[0]
                if line[:1].isalpha():
                    assert name in words, f"{path.name}: {name}"


def test_there_are_enough_samples() -> None:
    for framework in FRAMEWORKS:
        assert sum(path.parent.name == framework for path in FILES) >= 15
