"""The one door of the importers: texts of other frameworks in, the text of a spec out. Nothing is executed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tunewright.compiler.importers.axolotl import import_axolotl
from tunewright.compiler.importers.command_line import parse_script
from tunewright.compiler.importers.detect import detect_framework, recognise
from tunewright.compiler.importers.draft import Draft, Drafting, Remark
from tunewright.compiler.importers.invocation import AXOLOTL, FRAMEWORKS, LLAMA_FACTORY, MS_SWIFT, Invocation
from tunewright.compiler.importers.life import Life, as_name
from tunewright.compiler.importers.llama_factory import import_llama_factory
from tunewright.compiler.importers.machine import Machine, fitting, write_machine
from tunewright.compiler.importers.ms_swift import guess_version, import_ms_swift, parse_version
from tunewright.compiler.importers.ms_swift_vocabulary import NEWEST, Version
from tunewright.compiler.importers.neighbours import Neighbours
from tunewright.compiler.importers.options import Option
from tunewright.compiler.importers.settings_file import InputError, read_settings
from tunewright.compiler.importers.write import write_spec
from tunewright.compiler.pipeline import new_work, read
from tunewright.spec.codes import Severity
from tunewright.spec.record import record

MAX_CHARACTERS = 512 * 1024
_SETTINGS = (".yaml", ".yml", ".json")


@record(kw_only=True)
class Input:
    """A text with its name as the user gave it and the folder it lies in."""

    name: str
    text: str
    folder: Path


@record(kw_only=True)
class Imported:
    """What an import came to: the draft, and the text of the spec unless it was refused."""

    draft: Draft
    text: str | None


def import_texts(
    inputs: Sequence[Input], *, framework: str | None = None, version: str | None = None, machine: Machine | None = None
) -> Imported:
    """Import one or several files as one life, in their order; raise InputError for what is no settings or commands.

    `framework` and `version` are what the user states; else the text tells.
    """
    drafting = Drafting()
    life = Life(drafting, Neighbours(inputs[0].folder))
    titles: dict[str, None] = {}
    calls = [(Neighbours(item.folder), call) for item in inputs for call in _invocations(item, framework, life)]
    stated = parse_version(version) if version else None
    # One import speaks one version: the oldest that one of its commands needs.
    swift = stated or min((guess_version(call) for _, call in calls if call.framework == MS_SWIFT), default=NEWEST)
    for neighbours, call in calls:
        life.neighbours = neighbours
        titles[_import(call, life, swift, version)] = None
    write_machine(life, machine or Machine())
    if not drafting.names("steps") and not drafting.is_refused:
        drafting.refuse(inputs[0].name, "nothing in it becomes a step")
    draft = drafting.finish(
        source=", ".join(PurePosixPath(item.name).name for item in inputs),
        frameworks=tuple(titles),
        name=as_name(PurePosixPath(inputs[0].name).stem, "life").replace("_", "-").strip("-"),
    )
    wish = machine or Machine()
    imported = _checked(draft)
    if imported.text is None or wish.accelerator is not None:
        return imported
    may_add = wish.count is None and life.processes is None and not life.sharded
    return _checked(fitting(draft, inputs[0].folder, may_add=may_add))


def _checked(draft: Draft) -> Imported:
    """Hold the text against the language: a value that it does not take makes no spec."""
    if draft.is_refused:
        return Imported(draft=draft, text=None)
    text = write_spec(draft)
    sink = read(new_work(text, "life.yaml", variables={})).sink
    errors = [item for item in sink if item.severity is Severity.ERROR and item.code != "TW1018"]
    if not errors:
        return Imported(draft=draft, text=text)
    remarks = tuple(
        Remark(item.primary.span.source.line_text(item.primary.span.begin.line).strip(), item.message)
        for item in errors
    )
    return Imported(draft=replace(draft, refused=remarks), text=None)


def _invocations(item: Input, framework: str | None, life: Life) -> tuple[Invocation, ...]:
    if len(item.text) > MAX_CHARACTERS:
        raise InputError(f"`{item.name}` has {len(item.text):,} characters; at most {MAX_CHARACTERS:,} are read")
    text = item.text.removeprefix("\ufeff")
    if item.name.endswith(_SETTINGS):
        return (_from_settings(read_settings(item.name, text), item.name, framework),)
    calls = tuple(call for command in parse_script(text) if (call := recognise(command)) is not None)
    if calls:
        return tuple(_with_files(call, life, Neighbours(item.folder)) for call in calls)
    if not item.name.endswith((".sh", ".bash")):
        try:
            return (_from_settings(read_settings(item.name, text), item.name, framework),)
        except InputError:
            pass
    raise InputError(
        f"`{item.name}` calls none of {', '.join(FRAMEWORKS)}: no `swift`, `megatron`, `llamafactory-cli` or `axolotl`"
    )


def _from_settings(options: tuple[Option, ...], name: str, framework: str | None) -> Invocation:
    names = {option.name: option.value for option in options if not option.is_empty}
    found = framework or detect_framework(names)
    if found is None:
        raise InputError(f"can't tell whose settings `{name}` holds; say it with `--from`: {', '.join(FRAMEWORKS)}")
    verb = "train"
    if found == MS_SWIFT:
        verb = "rlhf" if "rlhf_type" in names and "sft" not in str(names.get("sub_command")) else "sft"
    return Invocation(framework=found, verb=verb, options=options)


def _with_files(call: Invocation, life: Life, neighbours: Neighbours) -> Invocation:
    """Return the call with the options of the settings files it names in front of its own."""
    for name, line in call.unresolved:
        life.drafting.lose(f"{name} (line {line})", "its value is not in the text: the option it stands in is left out")
    options: tuple[Option, ...] = ()
    named = [word.text for word in call.files if word.text.endswith(_SETTINGS)]
    named += [str(option.value) for option in call.options if option.name == "config" and option.in_command]
    for name in named:
        text = neighbours.text(name)
        if text is None:
            life.drafting.refuse(name, "the settings file that the command names is not near")
        else:
            options += read_settings(name, text)
    for word in call.files:
        if word.text not in named and not word.unresolved:
            life.drafting.lose(f"{word.text} (line {word.line})", "is no option of the command")
    own = tuple(option for option in call.options if option.name != "config")
    return replace(call, options=(*options, *own))


def _import(invocation: Invocation, life: Life, swift: Version, version: str | None) -> str:
    """Import one call; return the framework with its version."""
    if invocation.framework == MS_SWIFT:
        import_ms_swift(invocation, life, swift)
        return f"ms-swift {'.'.join(map(str, swift))}"
    if invocation.framework == LLAMA_FACTORY:
        import_llama_factory(invocation, life)
        return "LLaMA-Factory" + (f" {version}" if version else "")
    assert invocation.framework == AXOLOTL
    import_axolotl(invocation, life)
    return "Axolotl" + (f" {version}" if version else "")
