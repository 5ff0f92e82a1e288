"""Axolotl's `datasets`: where the rows are, what their `type` says of them, and which of their columns is which."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import as_integer, as_word
from tunewright.spec.prompts import template_problem

_CONVERT = "convert them once"
_TURNS = "the model's own chat template is used"
#: The first word of a `type` to our format.
_TYPES = {
    "completion": "text", "pretrain": "text", "alpaca": "instruction", "alpaca_chat": "instruction", "gpteacher": (
        "instruction"
    ),
    "chat_template": "messages", "sharegpt": "messages", "chatml": "messages", "llama3": "messages",
}  # fmt: skip
_BY_METHOD = {"dpo": "preference", "orpo": "preference", "kto": "kto", "simpo": "preference", "reward": "preference"}
_PLAIN_KEYS = frozenset(
    {
        "path", "type", "split", "ds_type", "name", "revision", "data_files", "trust_remote_code", "shards", "skip",
        "message_property_mappings",
    }
)  # fmt: skip
#: Keys of an entry that name a column, to the column.
_COLUMNS: Mapping[str, str] = {
    "field": "text", "text_column": "text", "field_messages": "messages",
    "message_field_role": "role", "message_field_content": "content",
    "field_chosen": "chosen", "field_rejected": "rejected", "field_prompt": "prompt",
    "field_instruction": "instruction", "field_input": "input", "field_output": "output", "field_system": "system",
}  # fmt: skip
_OWN_VALUES: Mapping[str, tuple[Any, ...]] = {
    "roles_to_train": (("assistant",), ("gpt",), ("gpt", "assistant"), ("assistant", "gpt")),
    "train_on_eos": ("turn",),
    "train_on_eot": ("turn",),
    "chat_template": ("tokenizer_default",),
    "conversation": (),
    "drop_system_message": (False,),
}
_SPEAKERS = {
    "user": {"human", "user"},
    "assistant": {"gpt", "assistant", "model"},
    "system": {"system"},
    "tool": {"tool"},
}
#: Where Axolotl's kinds of pairs keep their columns: the last word of the type -> our columns.
_PAIRS: Mapping[str, Mapping[str, str]] = {
    "intel": {"prompt": "question", "system": "system"},
    "argilla": {"prompt": "instruction", "chosen": "chosen_response", "rejected": "rejected_response"},
    "argilla_chat": {},
    "ultra": {},
    "prompt_pairs": {},
    "icr": {"prompt": "input"},
    "chat_template": {"prompt": "input", "system": "system"},  # of bradley_terry
    "zephyr": {},
}


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
            f"{origin}: data_files of {path}", "a file of a hub's data set can't be named: all of it is read"
        )
    name = life.add_data(path, f"{origin}: {path}")
    form = "text" if pretraining else _format(entry, method, path, name, life)
    if form is not None:
        life.say_of_data(name, "format", Said(form, f"type: {_kind(entry)}"))
    _parts(entry, path, name, life)
    _columns(entry, path, name, form, life)
    _others(entry, path, life)
    if (shards := as_integer(entry.get("shards", 0))) and shards > 1:
        life.drafting.lose(f"{path}: shards {shards}", "a shard of a data set can't be named: all of it is read")
    return name


def _kind(entry: Mapping[str, Any]) -> str:
    return "an own one" if isinstance(entry.get("type"), Mapping) else as_word(entry.get("type")) or "pretrain"


def _format(entry: Mapping[str, Any], method: str, path: str, name: str, life: Life) -> str | None:
    written = entry.get("type")
    word = as_word(written) or "none"
    if method in _BY_METHOD:
        return _pairs(word, method, path, name, life)
    if isinstance(written, Mapping):
        return _own_type(written, path, name, life)
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
        said = {"messages": "conversations", "role": "from", "content": "value"}
        _say_columns(name, said, f"type: {word}", life)
    elif word == "alpaca":
        life.say_of_data(name, "prompt_template", Said("alpaca", "type: alpaca: its own prompt, no chat template"))
    elif known == "instruction":
        life.drafting.lose(
            f"{path}: type {word}", "its prompt is not known here: the model's own chat template stands around the rows"
        )
    return known


def _pairs(word: str, method: str, path: str, name: str, life: Life) -> str:
    form = _BY_METHOD[method]
    family, _, kind = word.partition(".")
    if family in ("chatml", "llama3", "zephyr", "chat_template", "bradley_terry", "orpo"):
        known = _PAIRS.get(kind or family)
        if known:
            _say_columns(name, known, f"type: {word}", life)
        if family in ("chatml", "llama3", "zephyr"):
            life.drafting.leave(f"{path}: type {word}", _TURNS)
        if known is not None or kind == "default":
            return form
    needs = "`prompt`, `chosen` and `rejected`" if form == "preference" else "`prompt`, `completion` and `label`"
    life.drafting.assume(f"{path}: type {word}", f"rows need {needs}: where they have other columns, {_CONVERT}")
    return form


def _own_type(written: Mapping[str, Any], path: str, name: str, life: Life) -> str:
    """Read a type that a file makes itself: columns, and the prompt around them."""
    columns = {ours: str(written[key]) for key, ours in _COLUMNS.items() if isinstance(written.get(key), str)}
    _say_columns(name, columns, "a type of its own", life)
    with_input, without = as_word(written.get("format")), as_word(written.get("no_input_format"))
    template = (with_input or without) if "input" in columns else (without or with_input)
    if with_input and without and "input" in columns and with_input != without:
        life.drafting.assume(
            f"{path}: no_input_format", "rows without an input get the same prompt, an empty one in it"
        )
    system = as_word(written.get("system_prompt"))
    if template is not None and system and "{system}" not in template:
        around = as_word(written.get("system_format")) or "{system}"
        template = around.replace("{system}", system.replace("{", "(").replace("}", ")")) + template
    if template is not None and template_problem(template) is None:
        life.say_of_data(name, "prompt_template", Said(template, "format of a type of its own"))
    elif template is not None and "{instruction}" not in template and columns:
        life.drafting.lose(f"{path}: format {template}", "a prompt without an instruction is no template here")
    else:
        life.say_of_data(name, "prompt_template", Said("{instruction} {input} ", "the format of a type that says none"))
    for key in written.keys() - {*_COLUMNS, "format", "no_input_format", "system_prompt", "system_format", "field"}:
        life.drafting.lose(f"{path}: type: {key} {written[key]}", "no property of data sets here")
    return "instruction"


def _parts(entry: Mapping[str, Any], path: str, name: str, life: Life) -> None:
    """Write which part of a hub's data set is read; what files are read of has no parts."""
    is_remote = str(life.drafting.value(("data", name, "source"))).startswith(("hf://", "ms://"))
    for key, ours, usual in (
        ("name", "subset", ("default",)),
        ("split", "split", ("train",)),
        ("revision", "", ("main",)),
        ("skip", "", (0,)),
    ):
        value = entry.get(key)
        if value is None or value in usual:
            continue
        word = as_word(value)
        if ours and is_remote and word:
            life.say_of_data(name, ours, Said(word, f"{key} of {path}"))
        elif key == "split" and not is_remote and word and word.startswith("train"):
            life.drafting.lose(f"{path}: {key} {value}", "a file has no parts: `limit` takes its first rows")
        else:
            life.drafting.lose(f"{path}: {key} {value}", "a part of a data set can't be named so: all of it is read")


def _columns(entry: Mapping[str, Any], path: str, name: str, form: str | None, life: Life) -> None:
    said = {ours: str(entry[key]) for key, ours in _COLUMNS.items() if isinstance(entry.get(key), str)}
    mapping = entry.get("message_property_mappings")
    if isinstance(mapping, Mapping):
        for key, value in mapping.items():
            if key in ("role", "content"):
                said[key] = str(value)
            elif value != key:
                life.drafting.lose(f"{path}: message_property_mappings: {key} {value}", "no key of messages here")
    if form == "preference" and "messages" in said and "prompt" not in said:
        said["prompt"] = said.pop("messages")
    wanted = {key: value for key, value in said.items() if key != value}
    _say_columns(name, wanted, "field_... and message_...", life)
    for key, ours in _COLUMNS.items():
        if entry.get(key) is not None and wanted.get(ours) is None:
            life.drafting.leave(f"{path}: {key} {entry[key]}", "is how the format has it")


def _say_columns(name: str, columns: Mapping[str, str], origin: str, life: Life) -> None:
    for ours, theirs in columns.items():
        if ours != theirs:
            life.drafting.put(("data", name, "columns", ours), Said(theirs, origin))


def _others(entry: Mapping[str, Any], path: str, life: Life) -> None:
    """Say of every other key of an entry what becomes of it."""
    for key, value in entry.items():
        if key in _PLAIN_KEYS or key in _COLUMNS or value is None:
            continue
        subject = f"{path}: {key} {value}"
        if value in _OWN_VALUES.get(key, ()):
            life.drafting.leave(subject, "is how the format has it")
        elif key == "roles" and isinstance(value, Mapping) and _are_known(value):
            life.drafting.leave(subject, "who speaks is called so here too")
        elif key in ("chat_template", "conversation"):
            life.drafting.lose(subject, _TURNS)
        elif key == "train_on_split":
            life.drafting.lose(subject, "write it as `split`")
        else:
            life.drafting.lose(subject, "no property of data sets here")


def _are_known(roles: Mapping[str, Any]) -> bool:
    return all(
        {str(item) for item in (theirs if isinstance(theirs, tuple) else (theirs,))} <= _SPEAKERS.get(ours, set())
        for ours, theirs in roles.items()
    )
