"""Axolotl's `datasets`: where the rows are, what their `type` says of them, and what must be converted first."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import as_integer, as_word

_CONVERT = "convert them once"
#: The first word of a `type` to our format.
_TYPES = {
    "completion": "text", "pretrain": "text", "alpaca": "instruction", "alpaca_chat": "instruction", "gpteacher": (
        "instruction"
    ),
    "chat_template": "messages", "sharegpt": "messages", "chatml": "messages", "llama3": "messages",
}  # fmt: skip
_BY_METHOD = {"dpo": "preference", "orpo": "preference", "kto": "kto"}
_PLAIN_KEYS = frozenset({"path", "type", "split", "ds_type", "name", "revision", "data_files", "trust_remote_code"})
_OWN_VALUES: Mapping[str, tuple[Any, ...]] = {
    "field": ("text",),
    "text_column": ("text",),
    "field_messages": ("messages",),
    "message_field_role": ("role",),
    "message_field_content": ("content",),
    "message_property_mappings": ({"role": "role", "content": "content"},),
    "field_chosen": ("chosen",),
    "field_rejected": ("rejected",),
    "field_prompt": ("prompt",),
    "field_instruction": ("instruction",),
    "field_input": ("input",),
    "field_output": ("output",),
    "field_system": ("system",),
    "roles_to_train": (("assistant",), ("gpt",)),
    "chat_template": ("tokenizer_default",),
    "train_on_eos": ("turn",),
    "conversation": (),
}
_COLUMNS = ("field", "text_column", "message_", "roles")


def add_data_set(entry: Any, method: str, origin: str, life: Life, *, pretraining: bool = False) -> str | None:
    """Write one data set of a list and return its name; None where it names none."""
    if isinstance(entry, str):
        entry = {"path": entry, "type": "pretrain" if pretraining else "completion"}
    path = as_word(entry.get("path")) if isinstance(entry, Mapping) else None
    if path is None:
        life.drafting.lose(origin, "an entry without a `path` is no data set")
        return None
    files = entry.get("data_files")
    if files is not None and path in ("json", "csv", "parquet", "text"):
        files = files if isinstance(files, tuple) else (files,)
        path = (as_word(files[0]) if files else None) or path
        for other in files[1:]:
            life.drafting.lose(f"{origin}: {other}", "name each file as a data set of its own")
    elif files is not None:
        life.drafting.lose(
            f"{origin}: data_files of {path}", "a part of a hub's data set can't be named: all of it is read"
        )
    name = life.add_data(path, f"{origin}: {path}")
    form = "text" if pretraining else _format(entry, method, path, life)
    if form is not None:
        life.say_of_data(name, "format", Said(form, f"type: {entry.get('type', 'pretrain')}"))
    _parts(entry, path, life)
    _others(entry, path, form, life)
    if (shards := as_integer(entry.get("shards", 0))) and shards > 1:
        life.drafting.lose(f"{path}: shards {shards}", "a part of a data set can't be named: all of it is read")
    return name


def _format(entry: Mapping[str, Any], method: str, path: str, life: Life) -> str | None:
    if method in _BY_METHOD:
        form = _BY_METHOD[method]
        needs = "`prompt`, `chosen` and `rejected`" if form == "preference" else "`prompt`, `completion` and `label`"
        life.drafting.assume(
            f"{path}: type {_word(entry)}", f"rows need {needs}: where they have other columns, {_CONVERT}"
        )
        return form
    written = entry.get("type")
    if isinstance(written, Mapping):
        life.drafting.assume(f"{path}: a type of its own", f"rows need `instruction`, `input` and `output`: {_CONVERT}")
        return "instruction"
    word = _word(entry)
    known = _TYPES.get(word.split(":")[0].split(".")[0])
    if word.startswith("input_output"):
        life.drafting.refuse(
            f"{path}: type {word}", "rows of segments with a mask of their own are not in the language"
        )
        return None
    if known is None:
        life.drafting.assume(
            f"{path}: type {word}", f"is no format here: rows need `messages` or `instruction` and `output`; {_CONVERT}"
        )
    elif word.startswith("sharegpt"):
        life.drafting.assume(f"{path}: type {word}", f"rows need `messages` with `role` and `content`: {_CONVERT}")
    elif known == "instruction" and word not in ("alpaca", "alpaca_chat"):
        life.drafting.assume(
            f"{path}: type {word}", "the model's own chat template stands around instruction and output"
        )
    return known


def _word(entry: Mapping[str, Any]) -> str:
    return as_word(entry.get("type")) or "none"


def _parts(entry: Mapping[str, Any], path: str, life: Life) -> None:
    for key in ("split", "name", "revision", "skip"):
        value = entry.get(key)
        if value in (None, "train", "default", "main", 0):
            continue
        life.drafting.lose(f"{path}: {key} {value}", "a part of a hub's data set can't be named: all of it is read")


def _others(entry: Mapping[str, Any], path: str, form: str | None, life: Life) -> None:
    """Say of every other key of an entry what becomes of it."""
    for key, value in entry.items():
        if key in _PLAIN_KEYS or key in ("shards", "skip") or value is None:
            continue
        subject = f"{path}: {key} {value}"
        if value in _OWN_VALUES.get(key, ()):
            life.drafting.leave(subject, "is how the format has it")
        elif key.startswith(_COLUMNS):
            life.drafting.assume(subject, f"rows need the columns of the format `{form or 'messages'}`: {_CONVERT}")
        elif key in ("chat_template", "conversation"):
            life.drafting.lose(subject, "the model's own chat template is used")
        elif key == "train_on_split":
            life.drafting.lose(subject, "a part of a hub's data set can't be named: all of it is read")
        else:
            life.drafting.lose(subject, "no property of data sets here")
