"""Data files and the rows in them: reading, the shape each format demands, and one normal form for runners. Standard
library only.

A reader yields `(line, row)` with the line where the row starts, so that every complaint names file:line.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.spec.labels import label_name
from tunewright.spec.prompts import fill_template
from tunewright.spec.tool_calls import calls_problem, tools_of, tools_problem, with_arguments

FORMATS = (
    "messages",
    "prompt_completion",
    "instruction",
    "preference",
    "kto",
    "prompt",
    "text",
    "text_label",
    "anchor_positive",
)

SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")

ROLES = ("system", "user", "assistant", "tool")


class DataError(ValueError):
    """A data file can't be read; `line` is where (1-based), or None when the whole file is meant."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield `(line, row)` of a JSONL, JSON, CSV or Parquet file; for Parquet `line` is the row's number.

    Raises DataError for bytes that are not UTF-8, broken JSON, rows that are not objects, an unknown suffix.
    """
    match path.suffix:
        case ".jsonl":
            yield from _read_jsonl(path)
        case ".json":
            yield from _read_json(path)
        case ".csv":
            yield from _read_csv(path)
        case ".parquet":
            yield from _read_parquet(path)
        case other:
            raise DataError(f"unknown kind of data file `{other or path.name}`; known: {', '.join(SUFFIXES)}")


def _read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            yield number, parse_line(line, number)


def parse_line(line: bytes, number: int) -> dict[str, Any]:
    """Return the row that one line of a JSONL file holds; raise DataError with the line's number when it holds none."""
    try:
        row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 ({error.reason})", number) from error
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg} (column {error.colno})", number) from error
    except ValueError as error:  # a number of more digits than Python reads
        raise DataError(f"not JSON that can be read: {error}", number) from error
    except RecursionError as error:
        raise DataError("JSON is nested too deeply", number) from error
    return _object(row, number)


def _read_json(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 ({error.reason})") from error
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg} (column {error.colno})", error.lineno) from error
    except ValueError as error:
        raise DataError(f"not JSON that can be read: {error}") from error
    except RecursionError as error:
        raise DataError("JSON is nested too deeply") from error
    if not isinstance(rows, list):
        raise DataError("a .json data file must hold one list of objects; for one object a line use .jsonl")
    for number, row in enumerate(rows, start=1):
        yield number, _object(row, number)


def _read_csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise DataError("row has another number of columns than the header", reader.line_num)
                yield reader.line_num, dict(row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"not readable as CSV: {error}", reader.line_num) from error


def _read_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise DataError("Parquet needs pyarrow, which this environment lacks") from error
    number = 0
    for batch in parquet.ParquetFile(path).iter_batches(batch_size=1024):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _object(row: Any, number: int) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(f"row must be an object, not {_kind(row)}", number)
    return row


def detect_format(row: Mapping[str, Any]) -> str | None:
    """Return the format that a row's columns show, or None."""
    if "chosen" in row and "rejected" in row:
        return "preference"
    if "label" in row and "completion" in row:
        return "kto"
    if "messages" in row:
        return "messages"
    if "instruction" in row and "output" in row:
        return "instruction"
    if "prompt" in row and "completion" in row:
        return "prompt_completion"
    if "prompt" in row:
        return "prompt"
    if "anchor" in row and "positive" in row:
        return "anchor_positive"
    if "text" in row:
        return "text_label" if "label" in row else "text"
    return None


def row_problem(row: Mapping[str, Any], form: str) -> str | None:
    """Say in one sentence why a row does not fit a format, or return None."""
    match form:
        case "messages":
            return _messages_problem(row.get("messages"), "messages", ends_with="assistant") or tools_problem(row)
        case "prompt_completion":
            return (
                _text_problem(row, "prompt", allow_messages=True)
                or _text_problem(row, "completion", allow_messages=True)
                or tools_problem(row)
            )
        case "instruction":
            return _text_problem(row, "instruction") or _text_problem(row, "output")
        case "preference":
            return (
                (_text_problem(row, "prompt", allow_messages=True) if "prompt" in row else None)
                or _text_problem(row, "chosen", allow_messages=True)
                or _text_problem(row, "rejected", allow_messages=True)
                or ("`chosen` and `rejected` are equal" if row["chosen"] == row["rejected"] else None)
                or _prompt_needed(row)
            )
        case "kto":
            return (
                _text_problem(row, "prompt", allow_messages=True)
                or _text_problem(row, "completion", allow_messages=True)
                or (None if isinstance(row.get("label"), bool) else "`label` must be true or false")
            )
        case "prompt":
            return _text_problem(row, "prompt", allow_messages=True)
        case "text":
            return _text_problem(row, "text")
        case "text_label":
            return _text_problem(row, "text") or _label_problem(row)
        case "anchor_positive":
            return _triplet_problem(row)
        case _:
            raise ValueError(f"unknown format {form}")


def _label_problem(row: Mapping[str, Any]) -> str | None:
    label = row.get("label")
    if label is None:
        return f"`label` is missing (columns here: {', '.join(sorted(map(str, row)))})"
    if isinstance(label, str):
        return None if label.strip() else "`label` is empty"
    if isinstance(label, list):
        return "`label` must be one label: several for one text are not supported"
    if isinstance(label, bool) or not isinstance(label, int) or label < 0:
        return f"`label` must be text or a whole number from 0, not {_kind(label)}"
    return None


def _triplet_problem(row: Mapping[str, Any]) -> str | None:
    columns = ("anchor", "positive", "negative") if row.get("negative") is not None else ("anchor", "positive")
    if (problem := next(filter(None, (_text_problem(row, column) for column in columns)), None)) is not None:
        return problem
    if row["anchor"] == row["positive"]:
        return "`anchor` and `positive` are equal"
    return "`positive` and `negative` are equal" if row["positive"] == row.get("negative") else None


def _prompt_needed(row: Mapping[str, Any]) -> str | None:
    if "prompt" in row or (isinstance(row["chosen"], list) and len(row["chosen"]) > 1):
        return None
    return "`prompt` is missing"


def _text_problem(row: Mapping[str, Any], column: str, *, allow_messages: bool = False) -> str | None:
    if column not in row:
        return f"`{column}` is missing (columns here: {', '.join(sorted(map(str, row))) or 'none'})"
    value = row[column]
    if allow_messages and isinstance(value, list):
        return _messages_problem(value, column)
    if not isinstance(value, str):
        return f"`{column}` must be text, not {_kind(value)}"
    return None if value.strip() else f"`{column}` is empty"


def _messages_problem(messages: Any, column: str, ends_with: str | None = None) -> str | None:
    if messages is None:
        return f"`{column}` is missing"
    if not isinstance(messages, list) or not messages:
        return f"`{column}` must be a list of messages with `role` and `content`"
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or "role" not in message:
            return f"message {number} of `{column}` must be an object with `role` and `content`"
        role = message["role"]
        if role not in ROLES:
            return f"message {number} of `{column}` has role `{role}`; known: {', '.join(ROLES)}"
        content, calls = message.get("content"), message.get("tool_calls")
        if calls and (problem := calls_problem(calls, role)) is not None:
            return f"message {number} of `{column}` {problem}"
        if content is None and calls:
            continue
        if not isinstance(content, str):
            return f"message {number} of `{column}` has no text in `content`"
        if role == "assistant" and not content.strip() and not calls:
            return f"message {number} of `{column}` is an empty assistant turn"
    if (problem := _order_problem(messages, column, whole=ends_with is not None)) is not None:
        return problem
    if ends_with and messages[-1]["role"] != ends_with:
        return f"the last message of `{column}` must be the {ends_with}'s, not the {messages[-1]['role']}'s"
    return None


def _order_problem(messages: list[dict[str, Any]], column: str, *, whole: bool) -> str | None:
    """Say what no chat template can put in order: a late system message, tool calls and answers that do not match.

    A column that is not the `whole` conversation may begin or end between a call and its answer.
    """
    open_calls = 0
    for number, message in enumerate(messages, start=1):
        role = message["role"]
        if role == "system" and number > 1:
            return f"message {number} of `{column}` is a system message, which only stands first"
        if not whole:
            continue
        if role == "tool":
            if open_calls == 0:
                return f"message {number} of `{column}` answers a tool call that nobody made"
            open_calls -= 1
            continue
        if open_calls:
            return f"message {number} of `{column}` comes before the tool call above it is answered"
        calls = message.get("tool_calls")
        open_calls = len(calls) if isinstance(calls, list) else 0
    return None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true/false", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)


def normal_row(row: Mapping[str, Any], form: str, prompt_template: str | None = None) -> dict[str, Any]:
    """Return the one form that runners train on.

    `messages`, `prompt_completion`, `instruction` become `{prompt: [message...], completion: [message...]}` (the last
    assistant turn is the completion), with `tools` where the row offers some; `preference` becomes
    `{prompt, chosen, rejected}`; `kto` `{prompt, completion, label}`; `prompt` keeps its other columns; `text` stays
    `{text}`; `text_label` becomes `{text, label}` with the label as text; `anchor_positive` `{anchor, positive}`, with
    `negative` where the row has one.
    With a prompt template, prompt and completion of `instruction` are texts. The row must fit (`row_problem` returned
    None).
    """
    match form:
        case "messages":
            messages = _turns(row["messages"], "user")
            return {"prompt": messages[:-1], "completion": messages[-1:], **tools_of(row)}
        case "prompt_completion":
            return {
                "prompt": _turns(row["prompt"], "user"),
                "completion": _turns(row["completion"], "assistant"),
                **tools_of(row),
            }
        case "instruction" if prompt_template is not None:
            return {"prompt": fill_template(prompt_template, row), "completion": row["output"]}
        case "instruction":
            extra = row.get("input")
            question = f"{row['instruction']}\n{extra}" if extra else row["instruction"]
            system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
            return {"prompt": [*system, *_turns(question, "user")], "completion": _turns(row["output"], "assistant")}
        case "preference":
            return _normal_preference(row)
        case "kto":
            return {
                "prompt": _turns(row["prompt"], "user"),
                "completion": _turns(row["completion"], "assistant"),
                "label": row["label"],
            }
        case "prompt":
            return {**row, "prompt": _turns(row["prompt"], "user")}
        case "text":
            return {"text": row["text"]}
        case "text_label":
            return {"text": row["text"], "label": label_name(row["label"])}
        case "anchor_positive":
            return {name: row[name] for name in ("anchor", "positive", "negative") if row.get(name) is not None}
        case _:
            raise ValueError(f"unknown format {form}")


def _normal_preference(row: Mapping[str, Any]) -> dict[str, Any]:
    chosen, rejected = row["chosen"], row["rejected"]
    if "prompt" in row:
        prompt = _turns(row["prompt"], "user")
    else:
        prompt, chosen, rejected = list(chosen[:-1]), chosen[-1:], rejected[-1:]
    return {"prompt": prompt, "chosen": _turns(chosen, "assistant"), "rejected": _turns(rejected, "assistant")}


def _turns(value: Any, role: str) -> list[Any]:
    return with_arguments(value) if isinstance(value, list) else [{"role": role, "content": value}]
