"""Questions of a suite that are nearly in training rows are counted, and named by their lines alone."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.collect import overlaps
from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.data import collect_data, collect_suite
from tunewright.compiler.ir.facts import OverlapFact

QUESTION = "Which desk of the company takes back a parcel that was sent to the wrong street by mistake?"
CHINESE = "请问公司的哪个部门负责处理因为地址写错而被退回来的快递包裹,并在三天之内答复客户?"

WORDS = [start + end for start in ("in", "de", "re", "pro", "con") for end in ("voice", "livery", "turn", "fit")]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def found(
    folder: Path, asked: list[str], rows: list[dict[str, Any]], *, cache: FactCache | None = None, **limits: int
) -> tuple[OverlapFact, ...]:
    write(folder / "quiz.jsonl", [{"prompt": text, "expected": "x"} for text in asked])
    write(folder / "rows.jsonl", rows)
    return overlaps.collect_overlaps(
        {"rows": collect_data(["file:rows.jsonl"], None, folder, cache=None)},
        {"quiz": collect_suite("quiz.jsonl", "exact", folder, cache=None)},
        {("data", "rows"): limits.get("data"), ("suites", "quiz"): limits.get("suites")},
        cache=cache,
    )


@pytest.mark.parametrize(
    "learned",
    [
        f"A customer asks: {QUESTION} Answer politely.",
        QUESTION.replace("mistake", "accident").upper(),
        QUESTION.replace(" of the company", ""),
    ],
)
def test_question_in_other_words_is_found(tmp_path: Path, learned: str) -> None:
    rows = [{"prompt": "Where is my invoice?", "completion": "There."}, {"prompt": learned, "completion": "Shipping."}]
    assert found(tmp_path, ["Who are you?", QUESTION], rows) == (
        OverlapFact(
            data="rows", suite="quiz", count=1, questions=2, rows=2, places=(("quiz.jsonl:2", "rows.jsonl:2"),)
        ),
    )


def test_every_format_and_script_is_read(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": f"你好。{CHINESE}谢谢!"}, {"role": "assistant", "content": "物流部。"}]
    (overlap,) = found(tmp_path, [CHINESE], [{"messages": turns}])
    assert overlap.count == 1
    (overlap,) = found(tmp_path, [QUESTION], [{"text": f"Chapter 3. {QUESTION} The shipping desk does."}])
    assert overlap.places == (("quiz.jsonl:1", "rows.jsonl:1"),)


@pytest.mark.parametrize(
    "learned",
    [
        QUESTION,  # word for word is another finding
        QUESTION.replace("parcel", "bicycle").replace("street", "garage").replace("company", "warehouse"),
        QUESTION.replace("Which desk", "Which of the 17 desks"),
    ],
)
def test_other_questions_are_not(tmp_path: Path, learned: str) -> None:
    asked = [QUESTION, QUESTION.replace("Which desk", "Which of the 71 desks")][learned.startswith("Which of") :]
    assert found(tmp_path, asked[:1], [{"prompt": learned, "completion": "x"}]) == ()


def test_what_questions_of_a_suite_share_tells_nothing(tmp_path: Path) -> None:
    asked = [f"Answer with one word and nothing else: which desk is asked about a {word}?" for word in WORDS]
    rows = [
        {"prompt": text.replace(f"a {word}", "a zebra"), "completion": "x"}
        for text, word in zip(asked, WORDS, strict=True)
    ]
    assert found(tmp_path, asked, rows) == ()


def test_rows_beyond_a_limit_do_not_count(tmp_path: Path) -> None:
    rows = [{"prompt": f"row {n}", "completion": "x"} for n in range(5)] + [
        {"prompt": f"Hm: {QUESTION}", "completion": "x"}
    ]
    assert found(tmp_path, [QUESTION], rows, data=5) == ()
    assert found(tmp_path, ["Who?", QUESTION], rows, suites=1) == ()
    assert len(found(tmp_path, [QUESTION], rows)) == 1


def test_a_large_set_is_sampled_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlaps, "_MOST_ROWS", 100)
    chance = random.Random(7)
    rows = [
        {"prompt": f"Hm: {QUESTION}" if n % 10 == 3 else f"{chance.random()}", "completion": "x"} for n in range(1000)
    ]
    (overlap,) = found(tmp_path, [QUESTION], rows)
    assert (overlap.rows, overlap.count) == (100, 1), "rows that come in turns are not passed over"
    assert found(tmp_path, [QUESTION], rows) == (overlap,), "always the same rows"


def test_found_once_and_remembered(tmp_path: Path) -> None:
    rows = [{"prompt": f"Hm: {QUESTION}", "completion": "x"}]
    cache = FactCache(tmp_path / "cache")
    first = found(tmp_path, [QUESTION], rows, cache=cache)
    assert found(tmp_path, [QUESTION], rows, cache=cache) == first
    assert len(list((tmp_path / "cache" / "overlaps").iterdir())) == 1
    assert QUESTION not in next((tmp_path / "cache" / "overlaps").iterdir()).read_text()
    assert found(tmp_path, [QUESTION], [*rows, {"prompt": "Who?", "completion": "x"}], cache=cache)[0].rows == 2
