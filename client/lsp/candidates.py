"""What may stand as a value: the words of the language, and the names of this spec and of this model."""

from collections.abc import Iterator
from dataclasses import dataclass

from tunewright.client.lsp.about import about
from tunewright.client.lsp.fields import language_path, meaning_at, text_at, words_at
from tunewright.client.lsp.names import Kind, declared
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.compiler.facts.accelerators import ACCELERATOR_NAMES
from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.facts.metrics import METRICS
from tunewright.compiler.facts.models import known_ids
from tunewright.spec.codes import CODES, Severity
from tunewright.spec.document import Path
from tunewright.spec.model.document import VERBS
from tunewright.spec.syntax import MappingNode, ScalarNode

_SCHEMES = {
    "hf://": "a model on the Hugging Face hub",
    "ms://": "a model on ModelScope",
    "dir:": "a folder in the form that transformers writes",
    "gguf:": "a GGUF file",
    "package:": "a file inside an installed Python package",
}
_SOURCES = {
    "file:": "a .jsonl, .json, .csv or .parquet file",
    "dir:": "a folder of such files",
    "hf://datasets/": "a data set on the Hugging Face hub",
    "ms://datasets/": "a data set on ModelScope",
}
_FUNCTIONS = {
    "mean(": "the mean of several metrics",
    "min(": "the smallest of several metrics",
    "max(": "the largest of several metrics",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that may stand at a place; `detail` in a few words, `text` in Markdown."""

    word: str
    detail: str = ""
    text: str = ""
    kind: Kind | None = None


def candidates(snapshot: Snapshot, written_path: Path, prefix: str) -> tuple[Candidate, ...]:
    """Return what may stand at a path, in the order of usefulness; `prefix` is what is written already."""
    path = language_path(written_path)
    found = tuple(_named(snapshot, path, prefix))
    if found:
        return found
    # `data: rows` is item 0 of a list that is not written as one.
    words = words_at(path)
    if not words and path and isinstance(path[-1], int):
        path = path[:-1]
        words = words_at(path)
    return tuple(Candidate(word, text=meaning_at(path, word) or text_at(path)) for word in words)


def _named(snapshot: Snapshot, path: Path, prefix: str) -> Iterator[Candidate]:
    match path:
        case ("base", "model"):
            yield from (Candidate(word, detail) for word, detail in _SCHEMES.items())
            yield from (Candidate(f"hf://{hub_id}", "known model") for hub_id in known_ids())
        case ("data", _, "source") | ("data", _, "source", int()):
            yield from (Candidate(word, detail) for word, detail in _SOURCES.items())
        case ("steps", str(own), "train", "from") | ("steps", str(own), "export", "model"):
            yield from _steps(snapshot, own, ("train",))
        case ("steps", str(own), "evaluate" | "deploy", "model"):
            yield from _steps(snapshot, own, ("train", "export"))
        case (
            ("steps", _, "train", "data")
            | ("steps", _, "train", "data", int())
            | ("steps", _, "export", "calibration")
            | ("triggers", "data_changed")
            | ("triggers", "data_changed", int())
        ):
            yield from _declared(snapshot, Kind.DATA)
        case ("steps", _, "evaluate", "suites") | ("steps", _, "evaluate", "suites", int()):
            yield from _declared(snapshot, Kind.SUITE)
            yield from (Candidate(name, "public benchmark") for name in BENCHMARKS)
        case ("suites", _, "benchmark"):
            yield from (Candidate(name, "public benchmark") for name in BENCHMARKS)
        case ("steps", _, "train", "tuner", "target_modules") | ("steps", _, "train", "tuner", "target_modules", int()):
            yield Candidate("all-linear", "every linear layer")
            yield from (Candidate(name, "linear layer of this model") for name in _linear_modules(snapshot))
        case ("steps", _, "gate", "require") | ("steps", _, "gate", "require", int()):
            yield from _in_requirement(snapshot, prefix)
        case ("resources", "accelerator"):
            yield from (Candidate(name, "accelerator") for name in ACCELERATOR_NAMES)
        case ("allow", int(), "code"):
            yield from _codes(snapshot)


def _steps(snapshot: Snapshot, own: str, verbs: tuple[str, ...]) -> Iterator[Candidate]:
    if snapshot.tree is not None:
        for name in declared(snapshot.tree, Kind.STEP):
            if name != own and verb_of(snapshot, name) in verbs:
                yield Candidate(
                    name, f"{verb_of(snapshot, name)} step", about(Kind.STEP, name, snapshot.known), Kind.STEP
                )
    yield Candidate("base", "the base model", about(Kind.BASE, "base", snapshot.known), Kind.BASE)


def _declared(snapshot: Snapshot, kind: Kind) -> Iterator[Candidate]:
    for name in declared(snapshot.tree, kind) if snapshot.tree is not None else ():
        yield Candidate(name, str(kind), about(kind, name, snapshot.known), kind)


def verb_of(snapshot: Snapshot, step: str) -> str | None:
    """Return what a step of the tree does, None when it can't be told."""
    node = snapshot.tree.node(("steps", step)) if snapshot.tree is not None else None
    return next((key for key in node.entries if key in VERBS), None) if isinstance(node, MappingNode) else None


def _linear_modules(snapshot: Snapshot) -> tuple[str, ...]:
    facts = snapshot.known.facts if snapshot.known is not None else None
    return (
        tuple(dict.fromkeys(name for model in facts.models.values() for name in model.linear_modules)) if facts else ()
    )


def _in_requirement(snapshot: Snapshot, prefix: str) -> Iterator[Candidate]:
    """Complete the word with dots at the end of a requirement: step, then its suites, then what the suite reports."""
    word = requirement_word(prefix)
    step, _, rest = word.partition(".")
    suite, has_suite, _ = rest.partition(".")
    if "." not in word:
        names = declared(snapshot.tree, Kind.STEP) if snapshot.tree is not None else ()
        measured = [name for name in names if verb_of(snapshot, name) == "evaluate"]
        yield from (Candidate(f"{name}.", "evaluate step", about(Kind.STEP, name, snapshot.known)) for name in measured)
        yield from (Candidate(function, detail) for function, detail in _FUNCTIONS.items())
    elif not has_suite:
        for name in _suites_of(snapshot, step):
            yield Candidate(f"{step}.{name}.", "suite", about(Kind.SUITE, name, snapshot.known))
    else:
        for metric in _metrics_of(snapshot, suite):
            yield Candidate(f"{step}.{suite}.{metric}", "metric")


def requirement_word(prefix: str) -> str:
    """Return the word with dots that a requirement in the making ends with."""
    cut = len(prefix)
    while cut and (prefix[cut - 1].isalnum() or prefix[cut - 1] in "_.*"):
        cut -= 1
    return prefix[cut:]


def _suites_of(snapshot: Snapshot, step: str) -> tuple[str, ...]:
    node = snapshot.tree.node(("steps", step, "evaluate", "suites")) if snapshot.tree is not None else None
    if isinstance(node, ScalarNode):
        return (str(node.value),)
    return tuple(str(item.value) for item in getattr(node, "items", ()) if isinstance(item, ScalarNode))


def _metrics_of(snapshot: Snapshot, suite: str) -> tuple[str, ...]:
    node = snapshot.tree.node(("suites", suite)) if snapshot.tree is not None else None
    entries = node.entries if isinstance(node, MappingNode) else {}
    words = {name: entry.value.value for name, entry in entries.items() if isinstance(entry.value, ScalarNode)}
    benchmark = BENCHMARKS.get(str(words.get("benchmark", suite if not words else "")))
    if benchmark is not None:
        return benchmark.metrics
    metric = METRICS.get(str(words.get("metric", "")))
    return metric.reports if metric is not None else ()


def _codes(snapshot: Snapshot) -> Iterator[Candidate]:
    found = snapshot.known.diagnostics if snapshot.known is not None else ()
    here = dict.fromkeys(item.code for item in found if item.severity is not Severity.ERROR)
    rest = (code for code, row in CODES.items() if row.severity is not Severity.ERROR and code not in here)
    yield from (Candidate(code, f"{CODES[code].name}, found in this spec") for code in here)
    yield from (Candidate(code, CODES[code].name) for code in rest)
