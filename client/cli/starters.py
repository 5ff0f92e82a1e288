"""Rows that `tunewright init` writes where there are none yet: a few for each task, to be replaced."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_TICKETS = (
    ("My parcel has not come and I leave tomorrow.", "delivery", True),
    ("How do I change the e-mail address of my account?", "account", False),
    ("The kettle leaks on the counter. Please send another one today.", "damage", True),
    ("Can I have the invoice of last month once more?", "invoice", False),
    ("The courier left my parcel at a house that is not mine.", "delivery", True),
    ("Which card can I pay with?", "payment", False),
    ("One of the six glasses arrived broken.", "damage", False),
    ("Someone has signed in to my account and it was not me!", "account", True),
    ("Is the blue lamp going to be sold again?", "stock", False),
    ("You took the money twice.", "payment", True),
    ("When will the winter coats be back?", "stock", False),
    ("The invoice has the name of my old company on it.", "invoice", False),
    ("The tracking page has said the same for nine days.", "delivery", True),
    ("I forgot my password.", "account", False),
    ("The mirror came in three pieces.", "damage", False),
    ("My payment was refused but the money is gone.", "payment", True),
)
_CHATS = (
    ("What is a digest?", "A short number made from a file: another file has another one."),
    ("Why keep a lock file?", "So that the same spec means the same thing next month."),
    ("What is an adapter?", "A few small matrices that change what a model says; the model itself stays as it is."),
    ("When does a gate open?", "When every requirement written in it holds."),
    ("What is an epoch?", "One pass over all the rows."),
    ("Why hold rows back?", "To measure with questions that the model has never seen."),
    ("What does a learning rate do?", "It says how far the weights move at each step."),
    ("What is a preference pair?", "One question with two answers, and which of them is better."),
)
_LONG_WINDED = "Thank you for this most interesting question! There is a great deal that could be said about it."


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _answer(topic: str, urgent: bool) -> str:
    return json.dumps({"topic": topic, "urgent": urgent}, separators=(",", ":"))


def _chat_rows() -> str:
    return _lines(
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in _CHATS
    )


def _ticket_rows(answer: Callable[[str, bool], str], system: str) -> str:
    return _lines(
        {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": text},
                {"role": "assistant", "content": answer(topic, urgent)},
            ]
        }
        for text, topic, urgent in _TICKETS
    )


#: Task to the text of its rows.
STARTERS: Mapping[str, str] = {
    "chat": _chat_rows(),
    "json": _ticket_rows(_answer, "Answer the customer in one line of JSON: topic, urgent."),
    "classify": _ticket_rows(lambda topic, _: topic, "Name the topic of the customer's message in one word."),
    "preference": _lines(
        {"prompt": question, "chosen": answer, "rejected": f"{_LONG_WINDED} {answer}"} for question, answer in _CHATS
    ),
    "continue": _lines({"text": f"{question} {answer}"} for question, answer in _CHATS),
}
