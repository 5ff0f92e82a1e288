"""LLaMA-Factory's data sets: names of `dataset_info.json`, their files, and what the columns there say of the rows."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life

#: Columns of rows in Alpaca's form where nothing else is said: our column -> (key of `columns`, its default).
_ALPACA = {
    "instruction": ("prompt", "instruction"),
    "input": ("query", "input"),
    "output": ("response", "output"),
    "system": ("system", "system"),
}
_PAIRS = {"prompt": ("prompt", "instruction"), "chosen": ("chosen", "chosen"), "rejected": ("rejected", "rejected")}
_MARKED = {"prompt": ("prompt", "instruction"), "completion": ("response", "output"), "label": ("kto_tag", "kto_tag")}
#: Words for who speaks that need no mapping here.
_SPEAKERS = {
    "user_tag": ("human", "user"),
    "assistant_tag": ("gpt", "assistant"),
    "observation_tag": ("observation", "tool"),
    "system_tag": ("system",),
}
_CONVERT = "rows need the columns of the format: convert them once"


def add_data_set(name: str, folder: str, form: str | None, origin: str, life: Life) -> str:
    """Write a data set of the table and return its name in the spec; `form` is what the stage learns from."""
    table = life.neighbours.json(f"{folder}/dataset_info.json") or life.neighbours.json("dataset_info.json")
    entry = table.get(name) if table else None
    if not isinstance(entry, Mapping):
        return _guess(name, folder, form, origin, life, known=table is not None)
    source, hub = _source(entry, folder)
    if source is None:
        life.drafting.lose(f"{origin}: {name}", "is made by a script, which can't be carried")
        source = f"{folder}/{name}.json"
    added = life.add_data(source, f"{origin}: {name} of dataset_info.json", hub=hub)
    columns = _texts(entry.get("columns"))
    found, wanted = _form(name, form, entry, columns, life)
    life.say_of_data(added, "format", Said(found, "dataset_info.json"))
    for ours, theirs in wanted.items():
        if ours != theirs:
            life.drafting.put(("data", added, "columns", ours), Said(theirs, f"columns of {name}"))
    if (images := columns.get("images", "images")) != "images":
        life.drafting.lose(f"{name}: column {images}", f"images stand in `images`: {_CONVERT}")
    for key, reason in _NOT_READ.items():
        if key in columns:
            life.drafting.lose(f"{name}: column {columns[key]}", reason)
    _parts(name, added, entry, life)
    return added


#: Columns that rows may have there and that nothing reads here.
_NOT_READ = {
    "videos": "videos are not read",
    "audios": "sounds are not read",
    "tools": "the descriptions of tools beside a conversation are not read",
    "history": "earlier turns in a column of their own are not read: write the whole conversation as `messages`",
}


def _parts(name: str, added: str, entry: Mapping[str, Any], life: Life) -> None:
    is_remote = str(life.drafting.value(("data", added, "source"))).startswith(("hf://", "ms://"))
    for key in ("subset", "split"):
        value = entry.get(key)
        if isinstance(value, str) and is_remote and (key, value) != ("split", "train"):
            life.say_of_data(added, key, Said(value, f"{key} of {name}"))
    if entry.get("folder") is not None:
        life.drafting.lose(f"{name}: folder {entry['folder']}", "a folder of a hub's data set can't be named")
    samples = entry.get("num_samples")
    if isinstance(samples, int) and samples > 0:
        life.say_of_data(added, "limit", Said(samples, f"num_samples of {name}"))


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
        return f"{folder}/{file}", "hf"
    if isinstance(hub := entry.get("hf_hub_url"), str):
        return hub, "hf"
    if isinstance(hub := entry.get("ms_hub_url"), str):
        return hub, "ms"
    return None, "hf"


def _form(
    name: str, form: str | None, entry: Mapping[str, Any], columns: Mapping[str, str], life: Life
) -> tuple[str, dict[str, str]]:
    """Return our format of the rows, and what its columns are called in them."""
    if form == "text":
        return "text", {"text": columns.get("prompt", "text")}
    is_chat = entry.get("formatting", "alpaca") == "sharegpt"
    talk = _talk(name, columns, _texts(entry.get("tags")), life) if is_chat else {}
    if form == "prompt":
        if is_chat:
            life.drafting.assume(name, "a row's last turn must be the user's: the reply is the model's own")
            talk["prompt"] = talk.pop("messages")
        return "prompt", talk or {"prompt": columns.get("prompt", "instruction")}
    if entry.get("ranking") is True:
        if is_chat:
            talk["prompt"] = talk.pop("messages")
            return "preference", talk | {key: columns.get(key, key) for key in ("chosen", "rejected")}
        if "query" in columns:
            life.drafting.lose(f"{name}: column {columns['query']}", "a prompt of two columns is not read")
        return "preference", _called(_PAIRS, columns)
    if "kto_tag" in columns:
        return "kto", talk | {"label": columns["kto_tag"]} if is_chat else _called(_MARKED, columns)
    return ("messages", talk) if is_chat else ("instruction", _called(_ALPACA, columns))


def _called(known: Mapping[str, tuple[str, str]], columns: Mapping[str, str]) -> dict[str, str]:
    if not columns:
        return {ours: default for ours, (_, default) in known.items()}
    return {ours: columns[key] for ours, (key, _) in known.items() if key in columns}


def _talk(name: str, columns: Mapping[str, str], tags: Mapping[str, str], life: Life) -> dict[str, str]:
    """Return the names of a conversation's parts; words for who speaks that are not known here are reported."""
    for key, words in _SPEAKERS.items():
        if key in tags and tags[key] not in words:
            life.drafting.assume(f"{name}: {key} {tags[key]}", f"who speaks is called {words[0]} here: {_CONVERT}")
    if "system" in columns:
        life.drafting.lose(f"{name}: column {columns['system']}", "the system message stands in the conversation here")
    return {
        "messages": columns.get("messages", "conversations"),
        "role": tags.get("role_tag", "from"),
        "content": tags.get("content_tag", "value"),
    }


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}
