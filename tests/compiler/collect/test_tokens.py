"""Tokens of rows are counted by the real tokenizer, in a process of its own, and never at the price of a failure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.data import collect_data
from tunewright.compiler.collect.models import collect_model
from tunewright.compiler.collect.samples import chosen, sample_rows
from tunewright.compiler.collect.tokens import Counting, TokenRequest, collect_tokens, texts_of
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import DataFacts, ModelFacts
from tunewright.compiler.ir.tokens import TokenFacts

TEMPLATE = (
    "{% for m in messages %}<turn> {{ m['content'] }} {% endfor %}{% if add_generation_prompt %}<turn>{% endif %}"
)


def write_tokenizer(folder: Path, **settings: Any) -> Path:
    """Write a folder whose tokenizer makes one token a word; `<turn>` stands before each message."""
    folder.mkdir()
    vocabulary = {"<unk>": 0, "<turn>": 1}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    words = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE, "unk_token": "<unk>", **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return folder


def write_rows(folder: Path, lengths: list[int]) -> DataFacts:
    rows = [{"prompt": "why", "completion": "so " * length} for length in lengths]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return collect_data(["file:rows.jsonl"], None, folder, cache=None)


def request(facts: DataFacts, **changes: Any) -> TokenRequest:
    assert facts.format is not None
    return TokenRequest(facts=facts, format=facts.format, **changes)


def counting(folder: Path, python: str | None, cache: FactCache | None = None, **changes: Any) -> Counting:
    given = Path(python) if python is not None else None
    return Counting(python=given, converted=folder / "converted", base_directory=folder, cache=cache, **changes)


@pytest.mark.train
def test_counts_words_with_the_template(tmp_path: Path, train_python: str) -> None:
    write_tokenizer(tmp_path / "model")
    facts = write_rows(tmp_path, [1, 1, 5, 9])
    model = collect_model("dir:model", tmp_path, cache=None)
    told: list[str] = []
    cache = FactCache(tmp_path / "facts")
    machine = counting(tmp_path, train_python, cache, report=told.append)
    wanted = {"rows": request(facts), "led": request(facts, system_prompt="be kind", limit=2)}
    found = collect_tokens(model, wanted, machine)
    # Two turns: `<turn> why <turn> so ...`; with the system prompt `<turn> be kind` before them.
    assert found["rows"] == TokenFacts(lengths=((4, 2), (8, 1), (12, 1)), rows=4)
    assert found["led"] == TokenFacts(lengths=((7, 2),), rows=2)
    assert len(told) == 1
    assert collect_tokens(model, wanted, machine) == found
    assert collect_tokens(model, wanted, counting(tmp_path, None, cache)) == found
    assert len(told) == 1


@pytest.mark.train
def test_broken_tokenizer_is_a_reason(tmp_path: Path, train_python: str) -> None:
    (write_tokenizer(tmp_path / "model") / "tokenizer.json").write_text("{}")
    facts = write_rows(tmp_path, [1])
    model = ModelFacts(source="dir:model", origin="folder")
    (found,) = collect_tokens(model, {"rows": request(facts)}, counting(tmp_path, train_python)).values()
    assert found.unknown is not None
    assert found.unknown.startswith("the tokenizer can't be loaded")


@pytest.mark.train
def test_rows_that_the_template_refuses_are_named_by_line(tmp_path: Path, train_python: str) -> None:
    refusal = "{% if messages[1]['content'] | length > 9 %}{{ raise_exception('too much of it') }}{% endif %}"
    write_tokenizer(tmp_path / "model", chat_template=refusal + TEMPLATE)
    model = ModelFacts(source="dir:model", origin="folder")
    cache = FactCache(tmp_path / "facts")
    wanted = {"rows": request(write_rows(tmp_path, [1, 9, 2, 9]))}
    (found,) = collect_tokens(model, wanted, counting(tmp_path, train_python, cache)).values()
    assert found.refused == (("rows.jsonl:2", "too much of it"), ("rows.jsonl:4", "too much of it"))
    assert (found.refused_count, found.looked_at) == (2, 2)
    assert collect_tokens(model, wanted, counting(tmp_path, None, cache)) == {"rows": found}


@pytest.mark.train
def test_template_that_is_no_template_is_no_fault_of_the_rows(tmp_path: Path, train_python: str) -> None:
    write_tokenizer(tmp_path / "model", chat_template="{% if messages %}")
    model = ModelFacts(source="dir:model", origin="folder")
    wanted = {"rows": request(write_rows(tmp_path, [1]))}
    (found,) = collect_tokens(model, wanted, counting(tmp_path, train_python)).values()
    ((where, words),) = found.refused
    assert where == ""
    assert "Unexpected end of template" in words


def test_refused_rows_are_one_error_with_their_places(compile_overlay: Callable[..., Compilation]) -> None:
    places = tuple((f"rows.jsonl:{line}", "roles must alternate") for line in range(3, 10))
    tokens = {"rows": TokenFacts(rows=48, refused=places, refused_count=30)}
    (finding,) = compile_overlay("{}", tokens=tokens).diagnostics
    assert finding.code == "TW2064"
    assert finding.message == "rows.jsonl:3: the base model's chat template refuses this row: roles must alternate"
    assert finding.notes[0] == "rows.jsonl:4: roles must alternate"
    assert finding.notes[-1] == "and 25 more"
    broken = {"rows": TokenFacts(rows=48, refused=(("", "Unexpected end of template"),), refused_count=48)}
    (finding,) = compile_overlay("{}", tokens=broken).diagnostics
    assert finding.message == "the base model's chat template fails: Unexpected end of template"


def reason(model: ModelFacts, folder: Path, python: str | None = None) -> str:
    (found,) = collect_tokens(model, {"rows": request(write_rows(folder, [1]))}, counting(folder, python)).values()
    assert found.lengths == ()
    assert found.rows == 1
    return str(found.unknown)


def test_says_what_is_missing(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "model")
    write_tokenizer(tmp_path / "foreign", auto_map={"AutoTokenizer": ["tokenization.Own", None]})
    (tmp_path / "bare").mkdir()
    assert "`train` environment is not installed" in reason(ModelFacts(source="dir:model", origin="folder"), tmp_path)
    assert "Python code" in reason(ModelFacts(source="dir:foreign", origin="folder"), tmp_path)
    assert "has no tokenizer" in reason(ModelFacts(source="dir:bare", origin="folder"), tmp_path)
    assert "not on this machine" in reason(ModelFacts(source="hf://nobody/nothing", origin="unknown"), tmp_path)
    gguf = ModelFacts(source="gguf:x.gguf", origin="gguf", digest="sha256:aa")
    assert "has not been converted" in reason(gguf, tmp_path)
    assert "could not be tokenized" in reason(
        ModelFacts(source="dir:model", origin="folder"), tmp_path, str(tmp_path / "no-python")
    )


def test_converted_gguf_has_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "converted").mkdir()
    write_tokenizer(tmp_path / "converted" / "aa-1-5.23.0")
    (tmp_path / "converted" / "aa-1-5.23.0.json").write_text("{}")
    gguf = ModelFacts(source="gguf:x.gguf", origin="gguf", digest="sha256:aa")
    assert "`train` environment" in reason(gguf, tmp_path)


@pytest.mark.parametrize("damage", ["{", "[]", '{"lengths": [["a", 1]], "rows": 1}', '{"lengths": 3, "rows": 1}'])
def test_damaged_memory_counts_again(damage: str, tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "model")
    wanted = {"rows": request(write_rows(tmp_path, [1]))}
    model = ModelFacts(source="dir:model", origin="folder")
    cache = FactCache(tmp_path / "facts")
    machine = counting(tmp_path, None, cache)
    collect_tokens(model, wanted, machine)
    for file in (tmp_path / "facts").rglob("tokens/*"):
        file.write_text(damage)
    (found,) = collect_tokens(model, wanted, machine).values()
    assert "not installed" in str(found.unknown)


def test_texts_are_what_a_trainer_renders() -> None:
    pair = {"prompt": "why", "chosen": "so", "rejected": "no"}
    question = {"role": "user", "content": "why"}
    assert texts_of(pair, "preference", None) == [
        [question, {"role": "assistant", "content": "so"}],
        [question, {"role": "assistant", "content": "no"}],
    ]
    assert texts_of({"text": "words"}, "text", "be kind") == ["words"]
    own = {"messages": [{"role": "system", "content": "own"}, question, {"role": "assistant", "content": "so"}]}
    assert texts_of(own, "messages", "be kind") == [own["messages"]]


@given(rows=st.integers(1, 10_000), count=st.integers(1, 300), seed=st.text(max_size=8))
def test_sample_is_spread_and_repeatable(rows: int, count: int, seed: str) -> None:
    numbers = chosen(rows, count, seed)
    assert numbers == sorted(set(numbers)) == chosen(rows, count, seed)
    assert len(numbers) == min(rows, count)
    assert numbers[0] >= 0
    assert numbers[-1] < rows
    assert all(
        abs(number - rows * place / count) <= rows / count for place, number in enumerate(numbers) if rows > count
    )


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_samples_over_several_files(suffix: str, tmp_path: Path) -> None:
    paths = []
    for part in range(3):
        rows = [json.dumps({"text": f"{part} {number}"}) for number in range(5)]
        text = "\n\n".join(rows) + "\n" if suffix == ".jsonl" else f"[{','.join(rows)}]"
        paths.append(tmp_path / f"{part}{suffix}")
        paths[-1].write_text(text)
    every = [row["text"] for _, _, row in sample_rows(paths, 15, 15, "")]
    assert every == [f"{part} {number}" for part in range(3) for number in range(5)]
    some = [row["text"] for _, _, row in sample_rows(paths, 15, 4, "seed")]
    assert some == [every[number] for number in chosen(15, 4, "seed")]


@given(st.dictionaries(st.integers(1, 500), st.integers(1, 20), min_size=1))
def test_figures_agree_with_the_rows(histogram: dict[int, int]) -> None:
    facts = TokenFacts(lengths=tuple(sorted(histogram.items())), rows=sum(histogram.values()))
    every = sorted(length for length, times in histogram.items() for _ in range(times))
    assert facts.longest == facts.percentile(1.0) == every[-1]
    assert facts.percentile(0.5) == every[(len(every) - 1) // 2]
    assert facts.mean == pytest.approx(sum(every) / len(every))
    assert facts.share_longer(100) == sum(length > 100 for length in every) / len(every)


def test_counted_mean_goes_before_the_guess_and_the_bound_stays() -> None:
    data = [DataFacts(rows=10, total_characters=1000, longest_characters=400)]
    guessed = RowLengths.of(data)
    counted = guessed.counted([TokenFacts(lengths=((20, 5), (40, 5)), rows=10)])
    assert counted.mean_tokens == 30
    assert counted.longest_tokens == guessed.longest_tokens
    assert guessed.counted([TokenFacts(rows=10, unknown="no tokenizer")]) == guessed


@pytest.mark.parametrize(("long", "codes"), [(5, []), (6, ["TW2026"])])
def test_rows_that_are_cut_are_found_and_change_no_plan(
    long: int, codes: list[str], compile_overlay: Callable[..., Compilation]
) -> None:
    tokens = {"rows": TokenFacts(lengths=((100, 100 - long), (200, long)), rows=100)}
    overlay = "steps: {sft: {train: {max_length: 128}}}"
    known, unknown = compile_overlay(overlay, tokens=tokens), compile_overlay(overlay)
    assert [item.code for item in known.diagnostics] == codes
    assert known.plan is not None
    assert unknown.plan is not None
    assert [step.digest for step in known.plan.steps] == [step.digest for step in unknown.plan.steps]
    assert known.plan.facts_digest == unknown.plan.facts_digest
