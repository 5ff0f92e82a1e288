"""A set is scrubbed and thinned by the real runner: what is left, where it was, and a report without values."""

import json
from pathlib import Path
from typing import Any

from tunewright.runners.preparing.recognisers import KINDS
from tunewright.spec.canonical import digest_of
from tunewright.spec.images import digest_of_images
from tunewright.spec.model.data import PERSONAL_KINDS

PARAMETERS = {"name": "tickets", "format": "prompt_completion", "columns": None, "scrub": [], "deduplicate": None}
LONG = "The router in the hall lost its connection again after the last update, and nobody could print a page. " * 3


def row(prompt: str, completion: str = "team network") -> dict[str, Any]:
    return {"prompt": prompt, "completion": completion, "id": prompt[:4]}


def prepare(bench: Any, name: str, rows: list[dict[str, Any]], **changes: Any) -> Any:
    data = bench.folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n\n" for item in rows), encoding="utf-8")
    bundle = bench.bundle(name, "prepare.data", {"data": data}, {**PARAMETERS, **changes})
    return bench.run("prepare_data", bundle), bundle / "outputs"


def lines(outputs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (outputs / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


def test_language_and_recognisers_know_the_same_kinds() -> None:
    assert set(KINDS) == set(PERSONAL_KINDS)


def test_rows_lose_personal_data_and_then_their_doubles(bench: Any) -> None:
    rows = [
        row("call me on 13800138000"),
        row("call me on 13900139000"),
        row("mail li.hua@example.com.cn", "team 财务"),
        row("mail li.hua@example.com.cn", "team sales"),
    ]
    done, outputs = prepare(bench, "scrubbed", rows, scrub=list(PERSONAL_KINDS), deduplicate="exact")

    assert done.code == 0, done.stderr
    assert [(item["prompt"], item["completion"], item["_source"]) for item in lines(outputs)] == [
        ("call me on <PHONE>", "team network", "scrubbed.jsonl:1"),
        ("mail <EMAIL>", "team 财务", "scrubbed.jsonl:5"),
        ("mail <EMAIL>", "team sales", "scrubbed.jsonl:7"),
    ]
    text = (outputs / "report.json").read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["personal_data"]["found"] == {"email": 2, "phone": 2}
    assert report["left_out"] == [{"row": "scrubbed.jsonl:3", "why": "repeats scrubbed.jsonl:1"}]
    (event,) = done.of("data_report")
    assert event["values"] | {"rows": 3, "duplicates": 1, "found_phone": 2} == event["values"]
    for value in ("13800138000", "li.hua"):
        assert value not in text + json.dumps(done.events)


def test_near_duplicates_go_and_other_numbers_stay(bench: Any) -> None:
    texts = [LONG, LONG.replace("again after", "again,  After"), LONG + " Room 7", LONG + " Room 8", "ok"]
    rows = [row(text) for text in texts]
    done, outputs = prepare(bench, "near", rows, deduplicate="near")

    assert done.code == 0, done.stderr
    assert [item["_source"] for item in lines(outputs)] == [f"near.jsonl:{line}" for line in (1, 5, 7, 9)]


def test_row_that_does_not_fit_is_named_by_its_line(bench: Any) -> None:
    done, _ = prepare(bench, "unfit", [row("a"), {"prompt": "b"}], deduplicate="exact")

    assert done.code == 1
    assert done.failure["reason"] == "DATA_INVALID"
    assert done.failure["message"].startswith("unfit.jsonl:3: `completion` is missing")


def test_choice_turned_round_is_no_double(bench: Any) -> None:
    pair = {"prompt": "which?", "chosen": LONG, "rejected": LONG[::-1]}
    turned = {**pair, "chosen": pair["rejected"], "rejected": pair["chosen"]}
    done, outputs = prepare(bench, "pairs", [pair, turned, pair], format="preference", deduplicate="near")

    assert done.code == 0, done.stderr
    assert [item["_source"] for item in lines(outputs)] == ["pairs.jsonl:1", "pairs.jsonl:3"]


def test_images_go_along_and_tell_rows_apart(bench: Any) -> None:
    folder = bench.folder / "photos"
    folder.mkdir()
    for name, content in {"13800138000.png": b"red", "again.png": b"red", "blue.png": b"blue"}.items():
        (folder / name).write_bytes(content)
    question = {"prompt": "What is on it? Call 13900139000.", "completion": "a lamp"}
    rows = [
        {**question, "images": ["photos/13800138000.png"]},
        {**question, "image": "photos/blue.png"},
        {**question, "images": ["photos/again.png"]},
        question,
    ]
    changes = {"scrub": list(PERSONAL_KINDS), "deduplicate": "near"}
    names = [f"photos/{path.name}" for path in folder.iterdir()]
    digest = digest_of([digest_of_images(bench.folder, names)])

    done, outputs = prepare(bench, "pictured", rows, images=digest, **changes)

    assert done.code == 0, done.stderr
    left = lines(outputs)
    assert [item["_source"] for item in left] == ["pictured.jsonl:1", "pictured.jsonl:3", "pictured.jsonl:7"]
    assert {item["prompt"] for item in left} == {"What is on it? Call <PHONE>."}
    assert [[(outputs / name).read_bytes() for name in item.get("images", ())] for item in left] == [
        [b"red"], [b"blue"], [],
    ]  # fmt: skip
    (folder / "blue.png").write_bytes(b"green")
    changed, _ = prepare(bench, "repainted", rows, images=digest, **changes)
    assert changed.failure["reason"] == "INPUT_CHANGED"
