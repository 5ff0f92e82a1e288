"""One call of a framework: what is done, with which options, by how many processes."""

from collections.abc import Mapping
from dataclasses import field

from tunewright.compiler.importers.command_line import Word
from tunewright.compiler.importers.options import Option, as_integer
from tunewright.spec.record import record

MS_SWIFT, LLAMA_FACTORY, AXOLOTL = "ms-swift", "llama-factory", "axolotl"
FRAMEWORKS = (MS_SWIFT, LLAMA_FACTORY, AXOLOTL)


@record(kw_only=True)
class Invocation:
    """A call: `verb` is the framework's (`sft`, `train`, `megatron sft`); `files` are settings named in the call.

    `processes` and `nodes` are None where neither launcher nor environment says them. `unresolved` are variables in
    the call whose value the text does not say, with the line.
    """

    framework: str
    verb: str
    options: tuple[Option, ...] = ()
    files: tuple[Word, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int | None = None
    nodes: int | None = None
    accelerate: str | None = None
    line: int | None = None
    unresolved: tuple[tuple[str, int], ...] = ()


def read_arguments(words: tuple[Word, ...]) -> tuple[tuple[Option, ...], tuple[Word, ...]]:
    """Return the options of an argument list (`--name values...`, `--name=value`, `name=value`) and the other words.

    Options with an unresolved variable are left out: the caller reports the variables.
    """
    options: list[Option] = []
    loose: list[Word] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not _is_option(word.text):
            name, sign, value = word.text.partition("=")
            if sign and name.isidentifier():
                _add(options, name, (value,), (word,))
            else:
                loose.append(word)
            continue
        name, sign, value = word.text.lstrip("-").partition("=")
        following: list[Word] = []
        while not sign and index < len(words) and not _is_option(words[index].text):
            following.append(words[index])
            index += 1
        values = (value,) if sign else tuple(item.text for item in following)
        _add(options, name.replace("-", "_"), values, (word, *following))
    return tuple(options), tuple(loose)


def _is_option(text: str) -> bool:
    return text.startswith("-") and len(text) > 1 and not text[1].isdigit() and text[1] != "."


def _add(options: list[Option], name: str, values: tuple[str, ...], words: tuple[Word, ...]) -> None:
    if not any(word.unresolved for word in words):
        value = values[0] if len(values) == 1 else values
        # `--flag` alone is an option that is on, `--name ""` one without a value.
        options.append(Option(name, True if values == () else value, words[0].line, in_command=True))


def environment_processes(environment: Mapping[str, str]) -> int | None:
    """Return how many processes the environment asks for, or None."""
    for name in ("NPROC_PER_NODE", "NPROC", "NUM_GPUS"):
        if (count := as_integer(environment.get(name, ""))) and 0 < count <= 1024:
            return count
    return None


def visible_accelerators(environment: Mapping[str, str]) -> int | None:
    """Return how many accelerators the environment shows, or None."""
    for name in ("CUDA_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES"):
        if written := environment.get(name):
            return len([item for item in written.split(",") if item.strip()]) or None
    return None
