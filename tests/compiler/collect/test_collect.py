"""One request, one value: everything asked for is there, the same again, quickly and without heavy imports."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.compiler.collect.cache import FactCache, default_folder
from tunewright.compiler.collect.files import collect_file
from tunewright.compiler.collect.gather import collect
from tunewright.compiler.collect.places import place_of
from tunewright.compiler.collect.request import DataRequest, FactRequest, ResourceRequest, SuiteRequest
from tunewright.compiler.ir.facts import EnvironmentFacts
from tunewright.spec.canonical import digest_of_file, digest_of_tree


@pytest.fixture
def request_and_folder(tmp_path: Path) -> tuple[FactRequest, Path]:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "hello"}) + "\n")
    (tmp_path / "s.jsonl").write_text(json.dumps({"prompt": "p", "expected": "e"}) + "\n")
    (tmp_path / "schema.json").write_text("{}")
    request = FactRequest(
        models=("hf://Qwen/Qwen3-8B", "dir:none"),
        data={"texts": DataRequest(sources=("file:a.jsonl",), format="text")},
        suites={"exam": SuiteRequest(file="s.jsonl", metric="exact")},
        files=("schema.json", "missing.json"),
        resources=ResourceRequest(accelerator="h100-80gb", count=4),
    )
    return request, tmp_path


def test_gathers_everything_asked_for(request_and_folder: tuple[FactRequest, Path]) -> None:
    request, folder = request_and_folder
    environment = EnvironmentFacts(name="train", digest="sha256:0")
    facts = collect(request, folder, cache=FactCache(folder / "cache"), environments={"train": environment})
    assert facts.models["hf://Qwen/Qwen3-8B"].num_parameters == 8_190_735_360
    assert facts.models["dir:none"].problem == "dir:none does not exist"
    assert (facts.data["texts"].rows, facts.suites["exam"].rows) == (1, 1)
    assert facts.files["schema.json"].digest == digest_of_file(folder / "schema.json")
    assert facts.files["missing.json"].digest is None
    assert facts.hardware.accelerator is not None
    assert facts.hardware.accelerator.count == 4
    assert facts.environments == {"train": environment}


def test_facts_are_the_same_wherever_the_files_lie(request_and_folder: tuple[FactRequest, Path]) -> None:
    request, folder = request_and_folder
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in ("a.jsonl", "s.jsonl", "schema.json"):
        (elsewhere / name).write_bytes((folder / name).read_bytes())
    assert collect(request, folder, cache=None).digest() == collect(request, elsewhere, cache=None).digest()


def test_an_unknown_accelerator_leaves_nothing_assumed(request_and_folder: tuple[FactRequest, Path]) -> None:
    request, folder = request_and_folder
    facts = collect(replace(request, resources=ResourceRequest(accelerator="x9000")), folder, cache=None)
    assert (facts.hardware.accelerator, facts.hardware.stated) == (None, True)


def test_cache_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_CACHE", str(tmp_path))
    assert default_folder() == tmp_path / "facts"
    monkeypatch.delenv("TUNEWRIGHT_CACHE")
    assert default_folder().parts[-2:] == ("tunewright", "facts")


def test_imports_nothing_heavy(request_and_folder: tuple[FactRequest, Path]) -> None:
    _, folder = request_and_folder
    program = (
        "import sys; from pathlib import Path\n"
        "from tunewright.compiler.collect.gather import collect\n"
        "from tunewright.compiler.collect.request import DataRequest, FactRequest\n"
        "request = FactRequest(models=('hf://Qwen/Qwen3-8B',), data={'t': DataRequest(sources=('a.jsonl',))})\n"
        "assert collect(request, Path(sys.argv[1]), cache=None).data['t'].rows == 1\n"
        "print([name for name in ('torch', 'numpy', 'pydantic', 'subprocess', 'yaml') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_folder_of_a_benchmark_is_a_file_fact_with_its_tree_digest(tmp_path: Path) -> None:
    (tmp_path / "mmlu" / "test").mkdir(parents=True)
    (tmp_path / "mmlu" / "test" / "anatomy_test.csv").write_text("q,a,b,c,d,A\n", encoding="utf-8")

    fact = collect_file("dir:mmlu", tmp_path, cache=None)

    assert fact.size == 12
    assert fact.digest == digest_of_tree(tmp_path / "mmlu")
    assert place_of(fact.written, tmp_path) == tmp_path / "mmlu"
