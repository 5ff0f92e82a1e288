"""LLaMA-Factory's data sets: names of `dataset_info.json`, their files, and what the columns there say of the rows."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life

_ALPACA = {"prompt": "instruction", "query": "input", "response": "output"}
_MESSAGES = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
_CONVERT = "rows need the columns of the format: convert them once"


def add_data_set(name: str, folder: str, form: str | None, origin: str, life: Life) -> str:
    """Write a data set of the table and return its name in the spec; `form` is what the stage learns from."""
    table = life.neighbours.json(f"{folder}/dataset_info.json") or life.neighbours.json("dataset_info.json")
    entry = table.get(name) if table else None
    if not isinstance(entry, Mapping):
        return _guess(name, folder, form, origin, life, known=table is not None)
    source, note = _source(entry, folder)
    if source is None:
        life.drafting.lose(f"{origin}: {name}", "is made by a script, which can't be carried")
        source = f"{folder}/{name}.json"
    added = life.add_data(source, f"{origin}: {name} of dataset_info.json", hub_note=note)
    found = form if form == "text" else _format(name, entry, life)
    if found is not None:
        life.say_of_data(added, "format", Said(found, "dataset_info.json"))
    for key in ("subset", "split", "folder"):
        if entry.get(key) not in (None, "train"):
            life.drafting.lose(
                f"{name}: {key} {entry[key]}", "a part of a hub's data set can't be named: all of it is read"
            )
    return added


def _guess(name: str, folder: str, form: str | None, origin: str, life: Life, *, known: bool) -> str:
    if "/" in name or name.endswith((".json", ".jsonl", ".csv", ".parquet")):
        added = life.add_data(name, origin)
    else:
        added = life.add_data(f"{folder}/{name}.json", origin)
        why = "has no such entry" if known else "is not near"
        life.drafting.assume(f"{origin}: {name}", f"dataset_info.json {why}: the file is called as the set is")
    if form is not None:
        life.say_of_data(added, "format", Said(form, "what the stage learns from"))
    return added


def _source(entry: Mapping[str, Any], folder: str) -> tuple[str | None, str]:
    if isinstance(file := entry.get("file_name"), str):
        return f"{folder}/{file}", ""
    if isinstance(hub := entry.get("hf_hub_url"), str):
        return hub, ""
    if isinstance(hub := entry.get("ms_hub_url"), str):
        return hub, f"`{hub}` is on ModelScope; here the set of that name on Hugging Face is read"
    return None, ""


def _format(name: str, entry: Mapping[str, Any], life: Life) -> str | None:
    """Return our format of the rows; what must be converted before is reported."""
    columns, tags = _texts(entry.get("columns")), _texts(entry.get("tags"))
    is_chat = entry.get("formatting", "alpaca") == "sharegpt"
    if entry.get("ranking") is True:
        if is_chat or columns.get("prompt", "instruction") != "prompt":
            life.drafting.assume(
                f"{name}: preference pairs", "rows need `prompt`, `chosen` and `rejected`: convert them once"
            )
        return "preference"
    if "kto_tag" in columns:
        life.drafting.assume(
            f"{name}: rows with a mark", "rows need `prompt`, `completion` and `label`: convert them once"
        )
        return "kto"
    if is_chat:
        fits = columns.get("messages") == "messages" and all(tags.get(key) == word for key, word in _MESSAGES.items())
        if not fits:
            life.drafting.assume(
                f"{name}: conversations", f"rows need `messages` with `role` and `content`; {_CONVERT}"
            )
        return "messages"
    if columns and any(columns.get(key, word) != word for key, word in _ALPACA.items()):
        life.drafting.assume(
            f"{name}: columns {', '.join(columns.values())}", f"instruction, input, output: {_CONVERT}"
        )
    return "instruction"


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}
