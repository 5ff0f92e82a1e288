"""The tables agree with each other: names, families, counts."""

import pytest

from tunewright.compiler.estimate.parameters import linear_shapes
from tunewright.compiler.facts.accelerators import ACCELERATOR_NAMES, ACCELERATORS, accelerator_model, recognise
from tunewright.compiler.facts.families import FAMILIES, family_of, linear_names
from tunewright.compiler.facts.models import known_ids, known_model


@pytest.mark.parametrize("hub_id", known_ids())
def test_every_model_of_the_catalogue_can_be_planned_with(hub_id: str) -> None:
    facts = known_model(hub_id.upper(), "hf://x")
    assert facts is not None
    assert facts.num_parameters is not None
    assert facts.num_parameters > 10**8
    assert facts.max_position_embeddings is not None
    assert facts.max_position_embeddings >= 2048
    family = family_of(facts.model_type)
    assert family is not None
    assert (facts.attention_qkv_bias, facts.qk_norm, facts.vision) == (family.qkv_bias, family.qk_norm, family.vision)
    names = {name.rpartition(".")[2] for name in linear_shapes(facts)}
    assert names <= set(facts.linear_modules)


def test_ids_are_listed_once() -> None:
    lowered = [hub_id.lower() for hub_id in known_ids()]
    assert len(lowered) == len(set(lowered)) > 100


@pytest.mark.parametrize("model_type", FAMILIES)
def test_default_targets_exist_in_the_family(model_type: str) -> None:
    assert set(FAMILIES[model_type].lora_modules) <= set(linear_names(FAMILIES[model_type]))


def test_an_unknown_model_is_none() -> None:
    assert known_model("nobody/nothing", "hf://nobody/nothing") is None
    assert linear_names(family_of("nothing")) == ()


def test_names_of_accelerators_say_their_memory() -> None:
    assert len(ACCELERATOR_NAMES) == len(set(ACCELERATOR_NAMES)) == len(ACCELERATORS) + 1
    for model in ACCELERATORS:
        if model.name != "mps":
            stated = int(model.name.rpartition("-")[2].removesuffix("gb"))
            assert 0.9 * stated <= model.memory_bytes / 2**30 <= stated


@pytest.mark.parametrize(
    ("name", "bf16", "fp8"), [("t4-16gb", False, False), ("a100-40gb", True, False), ("h100-80gb", True, True)]
)
def test_number_formats_follow_the_generation(name: str, bf16: bool, fp8: bool) -> None:
    model = accelerator_model(name)
    assert model is not None
    assert (model.bf16, model.fp8) == (bf16, fp8)


@pytest.mark.parametrize(
    ("driver_name", "name"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("NVIDIA A100-PCIE-40GB", "a100-40gb"),
        ("NVIDIA H100 80GB HBM3", "h100-80gb"),
        ("NVIDIA H100 PCIe", "h100-pcie-80gb"),
        ("NVIDIA A10G", "a10g-24gb"),
        ("NVIDIA A10", "a10-24gb"),
        ("NVIDIA L40S", "l40s-48gb"),
        ("NVIDIA L4", "l4-24gb"),
        ("Tesla T4", "t4-16gb"),
        ("Tesla V100-SXM2-32GB", "v100-32gb"),
        ("NVIDIA GeForce RTX 4090", "rtx4090-24gb"),
    ],
)
def test_recognises_what_a_driver_calls_its_devices(driver_name: str, name: str) -> None:
    model = recognise(driver_name)
    assert model is not None
    assert model.name == name


@pytest.mark.parametrize("driver_name", ["NVIDIA GeForce RTX 4090 D", "NVIDIA T400", "NVIDIA L40", "Quadro K2000", ""])
def test_does_not_guess_at_others(driver_name: str) -> None:
    assert recognise(driver_name) is None
