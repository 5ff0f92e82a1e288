"""One mistake is one finding: each typo that people make, at each place of each example, is said once and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.front import compile_text
from tunewright.compiler.ir.facts import EnvironmentFacts, HardwareFacts
from tunewright.runners.environments import ENVIRONMENTS
from tunewright.spec.diagnostics import Diagnostic, DiagnosticSink
from tunewright.spec.document import Path as Place
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import MappingNode, Node, ScalarNode, SequenceNode, parse_node

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/life.yaml"))
LAPTOP = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30, disk_free_bytes=500 * 2**30)
PINS = {name: EnvironmentFacts(name=name, digest="sha256:" + name, installed=True) for name in ENVIRONMENTS}

#: One typo in so many is tried here, the others in other examples: the nine together have thousands.
STRIDE = 5

Typo = tuple[str, str]


def typos(text: str) -> Iterator[Typo]:
    """Yield (what was done where, the text with it) for every typo that a spec can have."""
    root = parse_node(SourceFile("life.yaml", text), DiagnosticSink())
    assert isinstance(root, MappingNode)
    yield from _inside(text, root, ())
    yield from _broken_lines(text)


def _inside(text: str, node: Node, path: Place) -> Iterator[Typo]:
    place = ".".join(map(str, path))
    match node:
        case MappingNode():
            for name, entry in node.entries.items():
                key, value = (entry.key.start, entry.key.end), (entry.value.span.start, entry.value.span.end)
                for what, word in (
                    ("a letter is missing", name[:-1] if len(name) > 3 else name + "x"),
                    ("capitals", name.upper()),
                    ("a key that nobody knows", "zzgarble"),
                ):
                    yield f"{what}: {place}.{name}", text[: key[0]] + word + text[key[1] :]
                if "\n" not in text[slice(*value)]:
                    for what, word in (("a word", "qqq"), ("a list in a list", "[[a]]"), ("a number", "12345678")):
                        if not _is_allowed(what, name):
                            yield f"{what}: {place}.{name}", text[: value[0]] + word + text[value[1] :]
                yield from _inside(text, entry.value, (*path, name))
        case SequenceNode():
            for index, item in enumerate(node.items):
                yield from _inside(text, item, (*path, index))
        case ScalarNode():
            for what, word in _other_words(text[node.span.start : node.span.end], node.value):
                yield f"{what}: {place}", text[: node.span.start] + word + text[node.span.end :]


def _other_words(written: str, value: object) -> Iterator[Typo]:
    if isinstance(value, bool):
        yield "yes and no", "yes" if value else "no"
    elif isinstance(value, int | float):
        yield "a sign too many", "-" + written
        yield "quotes around a number", f'"{written}"'
    elif isinstance(value, str) and not written.endswith(('"', "'")):
        yield "a letter of the word is missing", written[:-1]


def _is_allowed(what: str, name: str) -> bool:
    """Leave out what is right, what is two mistakes, and one number that is wrong in two ways.

    Two rows of a batch too many need more memory *and* more rows than there are: both are worth knowing. A list where
    a secret belongs is the wrong type and a secret in clear text.
    """
    return (what == "a number" and name == "per_device_train_batch_size") or (
        what == "a list in a list" and name in ("token", "api_key", "alerts")
    )


def _broken_lines(text: str) -> Iterator[Typo]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        for what, wrong in (
            ("one blank too many", " " + line),
            ("a tab", "\t" + line.lstrip(" ")),
            ("a bracket that does not close", line + " ["),
            ("a quote that does not close", line + ' "'),
            ("a colon is missing", line.replace(":", "", 1)),
        ):
            yield f"{what}: line {number + 1}", "\n".join([*lines[:number], wrong, *lines[number + 1 :]])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FactCache:
    return FactCache(tmp_path_factory.mktemp("facts"))


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_each_typo_is_one_finding(number: int, cache: FactCache) -> None:
    folder = EXAMPLES / NAMES[number]
    text = (folder / "life.yaml").read_text(encoding="utf-8")

    def found(spec: str) -> list[Diagnostic]:
        compiled = compile_text(
            spec,
            name="life.yaml",
            base_directory=folder,
            environments=PINS,
            hardware=LAPTOP,
            cache=cache,
            variables={},
        )
        return list(compiled.diagnostics)

    usual = {(item.code, item.primary.span.begin.line) for item in found(text)}
    several = {}
    tried = list(typos(text))[number % STRIDE :: STRIDE]
    for what, spec in tried:
        fresh = [item for item in found(spec) if (item.code, item.primary.span.begin.line) not in usual]
        if len(fresh) > 1:
            several[what] = [f"{item.code} {item.primary.span.begin.line}: {item.message}" for item in fresh]
    assert len(tried) > 60
    assert not several
