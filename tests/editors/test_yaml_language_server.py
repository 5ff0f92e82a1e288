"""What people see in an editor with the schema: completion, hover, and the words for the mistakes they make."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden" / "editor"
HEAD = "api_version: tunewright/v1\nname: x\nbase: {model: dir:m}\ndata:\n  rows: {source: 'file:a.jsonl'}\n"
STEPS = f"{HEAD}steps:\n"
TRAIN = f"{STEPS}  sft:\n    train:\n      method: sft\n      data: rows\n"
DPO = f"{STEPS}  align:\n    train:\n      method: dpo\n      data: rows\n"

MISTAKES = {
    "an unknown key": f"{DPO}      betta: 0.1\n",
    "a word of another framework": f"{TRAIN}      lora_rank: 8\n",
    "an older spelling": TRAIN.replace("api_version", "apiVersion"),
    "an unknown method": f"{STEPS}  sft:\n    train: {{method: sfd, data: rows}}\n",
    "an unknown method with keys of dpo": f"{STEPS}  sft:\n    train: {{method: dop, data: rows, beta: 0.1}}\n",
    "a method that is missing": f"{STEPS}  sft:\n    train: {{data: rows}}\n",
    "a key of another method": f"{TRAIN}      beta: 0.1\n",
    "an unknown tuner": f"{TRAIN}      tuner: lorra\n",
    "a tuner without its type": f"{TRAIN}      tuner: {{rank: 8}}\n",
    "a rank out of range": f"{TRAIN}      tuner: {{type: lora, rank: 0}}\n",
    "a rank for all weights": f"{TRAIN}      tuner: {{type: full, rank: 8}}\n",
    "a text for a number": f"{TRAIN}      learning_rate: fast\n",
    "a negative rate": f"{TRAIN}      learning_rate: -1.0e-4\n",
    "a word for a truth value": f"{TRAIN}      packing: yes\n",
    "nothing where a mapping belongs": f"{STEPS}  sft:\n    train:\n",
    "a step that does nothing": f"{STEPS}  sft:\n    timeout: 10m\n",
    "a step that does two things": f"{TRAIN}    evaluate: {{model: sft, suites: mmlu}}\n",
    "a duration without a unit": f"{TRAIN}    timeout: 10\n",
    "a step with a name that gates can't use": f"{STEPS}  my-step:\n    gate: {{require: a.b.c > 0}}\n",
    "a secret in clear text": TRAIN.replace("{model: dir:m}", "{model: dir:m, token: letmein}"),
    "a duplicate key": f"{TRAIN}      data: rows\n",
    "no steps": HEAD,
}

#: What is asked for, the text, and `|` where the cursor stands.
COMPLETIONS = {
    "at the top level": f"{TRAIN}|",
    "in a new step": f"{STEPS}  sft:\n    |",
    "in a training step": f"{TRAIN}      |",
    "for a method": f"{STEPS}  sft:\n    train:\n      method: |",
    "for a tuner": f"{TRAIN}      tuner: |",
    "for a suite's metric": f"{TRAIN}suites:\n  quiz:\n    file: quiz.jsonl\n    metric: |",
    "in a tuner": f"{TRAIN}      tuner:\n        |",
    "in a data set": f"{HEAD}  more:\n    |",
}
HOVERS = {
    "on a section": f"{HEAD}ste|ps:\n  sft:\n    train: {{method: sft, data: rows}}\n",
    "on a key": f"{TRAIN}      learning_|rate: 1.0e-4\n",
    "on a method": f"{STEPS}  sft:\n    train:\n      method: d|po\n      data: rows\n",
    "on a short tuner": f"{TRAIN}      tuner: ql|ora\n",
    "on a key in a tuner": f"{TRAIN}      tuner: {{type: lora, ra|nk: 8}}\n",
}
SOUND = {
    "references": f"{TRAIN}      learning_rate: ${{env:RATE}}\n      tuner: ${{env:TUNER}}\n",
    "short forms": f"{TRAIN}      tuner: lora\n      parallelism: auto\n    timeout: 1h 30m\n",
    "lists": f"{STEPS}  sft: {{train: {{method: sft, data: [rows], learning_rate: 1e-4, weight_decay: 0}}}}\n",
    "a secret by reference": TRAIN.replace("{model: dir:m}", "{model: dir:m, token: '${secret:HUB}'}"),
}


def compare(name: str, lines: list[str], *, update: bool) -> None:
    path, text = GOLDEN / name, "\n".join(lines) + "\n"
    if update:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def place(marked: str) -> tuple[str, int, int]:
    before, after = marked.split("|")
    return before + after, before.count("\n"), len(before) - before.rfind("\n") - 1


def plain(documentation: Any) -> str:
    text = documentation.get("value", "") if isinstance(documentation, dict) else documentation or ""
    return " ".join(text.split())


def test_messages_for_mistakes(yaml_server: Any, update_golden: bool) -> None:
    lines = []
    for what, text in MISTAKES.items():
        _, found = yaml_server.open(text)
        lines += [f"# {what}"]
        for item in sorted(found, key=lambda item: (item["range"]["start"]["line"], item["message"])):
            start, end = item["range"]["start"], item["range"]["end"]
            marked = text.splitlines()[start["line"]][start["character"] :]
            marked = marked[: end["character"] - start["character"]] if end["line"] == start["line"] else marked
            lines.append(f"{start['line'] + 1}: `{marked.strip()}`: {item['message']}")
        lines.append("")
        assert found, f"{what} is not found"

    compare("messages.txt", lines, update=update_golden)


def test_completion(yaml_server: Any, update_golden: bool) -> None:
    lines = []
    for what, marked in COMPLETIONS.items():
        text, line, character = place(marked)
        uri, _ = yaml_server.open(text)
        answer = yaml_server.ask("completion", uri, line, character)
        lines += [
            f"# {what}",
            *(f"{item['label']}: {plain(item.get('documentation'))}" for item in answer["items"]),
            "",
        ]

    compare("completion.txt", lines, update=update_golden)


def test_hover(yaml_server: Any, update_golden: bool) -> None:
    lines = []
    for what, marked in HOVERS.items():
        text, line, character = place(marked)
        uri, _ = yaml_server.open(text)
        answer = yaml_server.ask("hover", uri, line, character)
        lines += [f"# {what}", answer["contents"]["value"].partition("Source: [")[0].strip(), ""]

    compare("hover.txt", lines, update=update_golden)


@pytest.mark.parametrize("text", SOUND.values(), ids=list(SOUND))
def test_sound_specs_have_no_marks(yaml_server: Any, text: str) -> None:
    assert yaml_server.open(text)[1] == []


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[2].glob("examples/*/life.yaml")), ids=lambda path: path.parent.name
)
def test_examples_have_no_marks(yaml_server: Any, path: Path) -> None:
    assert yaml_server.open(path.read_text(encoding="utf-8"))[1] == []
