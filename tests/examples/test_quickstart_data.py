"""The quickstart's data hold what its README and its gate promise."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunewright.spec.formats import normal_row, read_rows, row_problem

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
INTENTS = {"track", "damaged", "return", "refund", "address", "cancel", "question"}
KEYS = ["intent", "order", "urgent"]
ORDER = re.compile(r"\b[A-Za-z]-\d{5}\b")
NEAR = 0.4


def rows_of(name: str) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(QUICKSTART / name)]


def compact(answer: Any) -> str:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def message_of(prompt: list[dict[str, str]]) -> str:
    return prompt[-1]["content"]


def support() -> list[tuple[str, dict[str, Any]]]:
    normal = [normal_row(row, "messages") for row in rows_of("data/support.jsonl")]
    return [(message_of(row["prompt"]), json.loads(row["completion"][0]["content"])) for row in normal]


def preferred() -> list[tuple[str, dict[str, Any]]]:
    return [(message_of(row["prompt"]), json.loads(row["chosen"])) for row in rows_of("data/preferences.jsonl")]


def held_out() -> list[tuple[str, dict[str, Any]]]:
    return [(message_of(row["prompt"]), row["expected"]) for row in rows_of("suites/routing.jsonl")]


@pytest.mark.parametrize(
    ("name", "form"), [("data/support.jsonl", "messages"), ("data/preferences.jsonl", "preference")]
)
def test_rows_fit_their_format(name: str, form: str) -> None:
    problems = [(number, row_problem(row, form)) for number, row in read_rows(QUICKSTART / name)]
    assert [problem for problem in problems if problem[1]] == []


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("data/support.jsonl", 150),
        ("data/preferences.jsonl", 60),
        ("suites/routing.jsonl", 40),
        ("suites/handbook.jsonl", 24),
    ],
)
def test_there_are_enough_rows(name: str, least: int) -> None:
    assert len(rows_of(name)) >= least


def test_every_prompt_begins_with_the_same_system_message() -> None:
    prompts = [row["messages"] for row in rows_of("data/support.jsonl")]
    prompts += [row["prompt"] for name in ("data/preferences.jsonl", "suites/routing.jsonl") for row in rows_of(name)]
    assert {prompt[0]["role"] for prompt in prompts} == {"system"}
    assert len({prompt[0]["content"] for prompt in prompts}) == 1


@pytest.mark.parametrize("answered", [support, preferred, held_out])
def test_answers_satisfy_the_schema(answered: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((QUICKSTART / "schemas" / "routing.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert [answer for _, answer in answered() if not validator.is_valid(answer)] == []


@pytest.mark.parametrize("answered", [support, preferred, held_out])
def test_answers_name_the_order_of_the_message(answered: Any) -> None:
    for message, answer in answered():
        assert list(answer) == KEYS
        assert answer["intent"] in INTENTS
        assert isinstance(answer["urgent"], bool)
        orders = [order.upper() for order in ORDER.findall(message)]
        assert orders == ([answer["order"]] if answer["order"] else [])


def test_replies_are_one_compact_line() -> None:
    replies = [row["messages"][-1]["content"] for row in rows_of("data/support.jsonl")]
    replies += [row["chosen"] for row in rows_of("data/preferences.jsonl")]
    assert all(reply == compact(json.loads(reply)) for reply in replies)


@pytest.mark.parametrize("answered", [support, held_out])
def test_every_intent_is_asked_about_often_and_urgently(answered: Any) -> None:
    intents = Counter(answer["intent"] for _, answer in answered())
    assert set(intents) == INTENTS
    assert max(intents.values()) < 2 * min(intents.values())
    assert {answer["intent"] for _, answer in answered() if answer["urgent"]} == INTENTS


def test_rejected_replies_are_wrong() -> None:
    for row in rows_of("data/preferences.jsonl"):
        assert row["rejected"] != row["chosen"]
        try:
            assert json.loads(row["rejected"]) != json.loads(row["chosen"])
        except json.JSONDecodeError:
            continue


def phrases(message: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", ORDER.sub("order", message).lower())
    return {tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3))}


def shared(first: list[str], second: list[str]) -> Iterator[tuple[float, str, str]]:
    """Yield the share of four-word phrases that two messages have in common, by the shorter of them."""
    cut = [(message, phrases(message)) for message in second]
    for message in first:
        own = phrases(message)
        for other, others in cut:
            yield len(own & others) / min(len(own), len(others)), message, other


def test_held_out_messages_are_not_learned_from() -> None:
    held, learned = [message for message, _ in held_out()], [message for message, _ in [*support(), *preferred()]]
    assert len({*held, *learned}) == len(held) + len(learned)
    assert [pair for pair in shared(held, learned) if pair[0] >= NEAR] == []


def test_no_order_number_is_used_twice() -> None:
    orders = [answer["order"] for _, answer in [*support(), *preferred(), *held_out()] if answer["order"]]
    assert len(set(orders)) == len(orders)


@pytest.mark.parametrize("name", ["suites/routing.jsonl", "suites/handbook.jsonl"])
def test_suite_rows_have_ids_of_their_own(name: str) -> None:
    ids = [row["id"] for row in rows_of(name)]
    assert len(set(ids)) == len(ids)


def test_right_choices_stand_at_every_position_equally_often() -> None:
    rows = rows_of("suites/handbook.jsonl")
    assert all(len(set(row["choices"])) == 4 for row in rows)
    positions = Counter(row["answer"] for row in rows)
    assert set(positions) == {0, 1, 2, 3}
    assert max(positions.values()) - min(positions.values()) <= 1
