"""A package describes a model family: read as data from an environment, in the place of the table of our own."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.collect.families import Families
from tunewright.compiler.collect.family_files import read_family
from tunewright.compiler.estimate.parameters import count_parameters, lora_parameters
from tunewright.compiler.facts.families import family_of
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import EnvironmentFacts
from tunewright.spec.source import SourceFile

if (_HUBS := str(Path(__file__).parents[2] / "hub")) not in sys.path:
    sys.path.append(_HUBS)

from tiny_folder import write_model, write_safetensors  # noqa: E402 - found only now

ACME = Path(__file__).parents[2] / "plug_ins" / "acme"
DESCRIPTION = json.loads((ACME / "acme_nova" / "acme_nova.family.json").read_text(encoding="utf-8"))
SIZES = {"model_type": "acme_nova", "width": 64, "depth": 2, "heads": 4, "inner": 128, "context": 256}
#: The sizes of other families are not there.
NOVA = {
    **SIZES,
    "hidden_size": None,
    "num_hidden_layers": None,
    "num_attention_heads": None,
    "num_key_value_heads": None,
}
LAYERS = {
    f"model.layers.{layer}.{name}.weight": shape
    for layer in range(2)
    for name, shape in {"wqkv": (192, 64), "wo": (64, 64), "w_in": (128, 64), "w_out": (64, 128)}.items()
}
SPEC = """\
api_version: tunewright/v1
name: nova
base: {model: "dir:nova"}
data: {rows: {source: "file:rows.jsonl", limit: 20}}
steps:
  sft: {train: {method: sft, data: rows, max_length: 64, tuner: {type: lora, rank: 4, target_modules: [wqkv]}}}
"""

Compile = Callable[..., Compilation]


def environment_with(folder: Path, description: dict[str, Any], *, version: str = "1.0") -> EnvironmentFacts:
    """Return an environment that holds one package, laid out as an installer leaves it; its code can't be imported."""
    site = folder / "lib" / "python3.11" / "site-packages"
    package, told = site / "acme_nova", site / f"acme_nova-{version}.dist-info"
    package.mkdir(parents=True)
    told.mkdir()
    (package / "__init__.py").write_text("raise ImportError('the compiler imports no package')\n", encoding="utf-8")
    (package / "acme_nova.family.json").write_text(json.dumps(description), encoding="utf-8")
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-nova\nVersion: {version}\n", encoding="utf-8")
    (told / "entry_points.txt").write_text(
        "[tunewright.families]\nacme_nova = acme_nova:register\nqwen2 = acme_nova:register\n", encoding="utf-8"
    )
    return EnvironmentFacts(name="train", digest="sha256:0", installed=True, path=str(folder))


@pytest.fixture
def compile_nova(compile_spec: Compile, world: Path, tmp_path: Path) -> Compile:
    folder = tmp_path / "life"
    folder.mkdir()
    write_model(folder / "nova", template=True, configuration=NOVA)
    write_safetensors(folder / "nova" / "model.safetensors", LAYERS)
    (folder / "rows.jsonl").write_bytes((world / "rows.jsonl").read_bytes())

    def compile_nova(environment: EnvironmentFacts, text: str = SPEC, **options: Any) -> Compilation:
        return compile_spec(text, base_directory=folder, environments={"train": environment}, **options)

    return compile_nova


def test_spec_on_a_described_family_checks_estimates_and_plans(compile_nova: Compile, tmp_path: Path) -> None:
    compilation = compile_nova(environment_with(tmp_path / "env", DESCRIPTION))

    assert [item.message for item in compilation.diagnostics] == []
    assert compilation.plan is not None
    assert compilation.facts is not None
    model = compilation.facts.models["dir:nova"]
    assert (model.hidden_size, model.num_hidden_layers, model.intermediate_size) == (64, 2, 128)
    assert lora_parameters(model, 4, ["wqkv"]) == 2 * 4 * (64 + 3 * 64)
    assert count_parameters(model) > 2 * (4 * 64 * 64 + 2 * 64 * 128)
    step = compilation.plan.step("sft")
    assert step.estimate.memory_bytes is not None
    assert step.estimate.trained_parameters == 2 * 4 * (64 + 3 * 64)
    assert step.parameters["families"] == ["acme_nova"]
    assert step.parameters["attention"] == "eager"
    assert step.identity["plug_in.family.acme_nova"] == "acme-nova 1.0"
    assert compilation.plan.lock["plug_ins"] == {"family acme_nova": "acme-nova 1.0"}


def test_another_version_is_another_result(compile_nova: Compile, tmp_path: Path) -> None:
    plans = [
        compile_nova(environment_with(tmp_path / version, DESCRIPTION, version=version)).plan
        for version in ("1.0", "1.1")
    ]
    assert plans[0] is not None
    assert plans[1] is not None
    assert plans[0].step("sft").digest != plans[1].step("sft").digest
    assert plans[0].step("sft").parameters == plans[1].step("sft").parameters


def test_layer_that_the_family_does_not_have(compile_nova: Compile, tmp_path: Path) -> None:
    text = SPEC.replace("target_modules: [wqkv]", "target_modules: [wqvk]").replace(
        "max_length", "attention: sdpa, max_length"
    )
    found = {
        item.code: item for item in compile_nova(environment_with(tmp_path / "env", DESCRIPTION), text).diagnostics
    }
    assert found["TW3023"].help == "use `auto`, or `eager`"
    assert found.keys() <= {"TW3001", "TW3023"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"linears": {"wqkv": "q k vv"}}, "`vv` is no role of a linear layer"),
        ({"layers": 3}, "layers: Extra inputs are not permitted"),
        ({"attention": ["magic"]}, "attention.0"),
        ({"sizes": {"size": "width"}}, "sizes.size"),
    ],
)
def test_description_that_is_wrong(compile_nova: Compile, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    compilation = compile_nova(environment_with(tmp_path / "env", DESCRIPTION | change))
    (found,) = [item for item in compilation.diagnostics if item.code == "TW2062"]
    assert found.message == "the package acme-nova 1.0 describes `acme_nova` models in a way that is not understood"
    assert said in str(found.primary.text)
    assert compilation.plan is None


def test_package_without_a_description(compile_nova: Compile, tmp_path: Path) -> None:
    environment = environment_with(tmp_path / "env", DESCRIPTION)
    next((tmp_path / "env").rglob("*.family.json")).unlink()
    (found,) = [item for item in compile_nova(environment).diagnostics if item.code == "TW2062"]
    assert "`acme_nova.family.json` of its package can't be read: No such file" in str(found.primary.text)


def test_no_package_replaces_a_family_of_ours(tmp_path: Path) -> None:
    families = Families(environment_with(tmp_path / "env", DESCRIPTION).path)
    assert families.of("qwen2") == family_of("qwen2")
    assert families.of("acme_nova") == read_family("acme_nova", ACME / "acme_nova" / "acme_nova.family.json")
    assert families.of("unheard_of") is None
    assert [(item.name, item.module) for item in families.used] == [("acme_nova", "acme_nova")]
    assert Families(None).of("acme_nova") is None


def test_lock_keeps_what_a_family_is_like(compile_nova: Compile, tmp_path: Path) -> None:
    environment = environment_with(tmp_path / "env", DESCRIPTION)
    plan = compile_nova(environment).plan
    assert plan is not None
    lock = SourceFile("life.lock", json.dumps(plan.lock))
    assert compile_nova(environment, lock=lock).plan == plan
    gone = replace(environment, path=str(tmp_path))
    drifted = compile_nova(gone, lock=lock)
    assert drifted.plan is None
