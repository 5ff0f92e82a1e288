"""What `tunewright init` writes: for each task a spec and a few rows that show the form. The rows are for replacing."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_SYSTEM = "Answer the customer in one line of JSON: topic, urgent."
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
)
_HELD_OUT = (
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

_HEAD = """\
api_version: tunewright/v1
name: NAME

base:
  model: MODEL
"""

_CHAT = f"""{_HEAD}
data:
  rows: {{source: "file:data/rows.jsonl"}} # replace its rows by yours

steps:
  sft:
    train: {{method: sft, data: rows, tuner: lora, num_train_epochs: 2, gradient_accumulation_steps: 1}}
"""

_PREFERENCE = f"""{_HEAD}
data:
  rows: {{source: "file:data/rows.jsonl"}}
  pairs: {{source: "file:data/pairs.jsonl"}} # a better and a worse answer to the same question

steps:
  sft:
    train: {{method: sft, data: rows, tuner: lora, num_train_epochs: 2, gradient_accumulation_steps: 1}}
  align:
    train: {{method: dpo, from: sft, data: pairs, beta: 0.1, gradient_accumulation_steps: 1}}
"""

_SUPPORT = f"""{_HEAD}
data:
  tickets: {{source: "file:data/tickets.jsonl"}} # replace its rows by yours

suites:
  routing: {{file: suites/routing.jsonl, metric: json_match}} # questions that are never learned from

steps:
  sft:
    train: {{method: sft, data: tickets, tuner: lora, num_train_epochs: 3, gradient_accumulation_steps: 1}}
  exam_base:
    evaluate: {{model: base, suites: routing, max_new_tokens: 48}}
  exam:
    evaluate: {{model: sft, suites: routing, max_new_tokens: 48}}
  better: # nothing written below starts unless this holds
    gate: {{require: "exam.routing.json_match >= exam_base.routing.json_match + 0.25"}}
"""


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _answer(topic: str, urgent: bool) -> str:
    return json.dumps({"topic": topic, "urgent": urgent}, separators=(",", ":"))


def _chat_rows() -> str:
    return _lines(
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in _CHATS
    )


_TICKET_ROWS = _lines(
    {
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": text},
            {"role": "assistant", "content": _answer(topic, urgent)},
        ]
    }
    for text, topic, urgent in _TICKETS
)
_ROUTING_ROWS = _lines(
    {
        "id": f"routing-{number}",
        "prompt": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}],
        "expected": {"topic": topic, "urgent": urgent},
    }
    for number, (text, topic, urgent) in enumerate(_HELD_OUT, start=1)
)
_PAIR_ROWS = _lines(
    {"prompt": question, "chosen": answer, "rejected": f"{_LONG_WINDED} {answer}"} for question, answer in _CHATS
)

#: Task to file to text; `life.yaml` has NAME and MODEL to be filled in.
STARTERS: Mapping[str, Mapping[str, str]] = {
    "chat": {"life.yaml": _CHAT, "data/rows.jsonl": _chat_rows()},
    "support": {"life.yaml": _SUPPORT, "data/tickets.jsonl": _TICKET_ROWS, "suites/routing.jsonl": _ROUTING_ROWS},
    "preference": {"life.yaml": _PREFERENCE, "data/rows.jsonl": _chat_rows(), "data/pairs.jsonl": _PAIR_ROWS},
}
