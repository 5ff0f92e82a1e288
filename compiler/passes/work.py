"""What flows through the passes: the forms made so far, and the sink of findings."""

from collections.abc import Mapping
from dataclasses import field

from tunewright.compiler.ir.facts import Facts
from tunewright.compiler.ir.plan import Plan, Step
from tunewright.compiler.ir.resolved import ModelState, ResolvedSpec
from tunewright.spec.codes import Severity
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.document import Document, Path, matches
from tunewright.spec.model.document import Spec
from tunewright.spec.record import record
from tunewright.spec.source import SourceFile, Span
from tunewright.spec.vocabulary import known_keys


@record(kw_only=True)
class References:
    """The order that follows from what steps refer to.

    `order` lists the steps so that each comes after what it needs; `needs` holds inputs and the gates above; `models`
    what each step's model
    consists of; `data` the data names that a step's model has learned from, nearest first.
    """

    order: tuple[str, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    models: Mapping[str, ModelState] = field(default_factory=dict)
    learned_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@record(kw_only=True)
class Work:
    """The state between two passes. What a pass could not make stays None; later passes that need it are skipped.

    `variables` are the values that `${env:NAME}` may take, `filled` those that were taken; `allowed` maps the code of
    each
    warning that the spec accepts, and that there was, to the reason. `policy` and `lock` are the texts that the spec is
    held to (the lock in all it says when `locked`, else in its pins of models); `governed` names the policy that was.
    """

    source: SourceFile
    profile: str | None = None
    sets: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    policy: SourceFile | None = None
    lock: SourceFile | None = None
    locked: bool = False
    sink: DiagnosticSink = field(default_factory=DiagnosticSink)
    document: Document | None = None
    spec: Spec | None = None
    filled: Mapping[str, str] = field(default_factory=dict)
    poisoned: frozenset[Path] = frozenset()
    allowed: Mapping[str, str] = field(default_factory=dict)
    governed: Mapping[str, str] = field(default_factory=dict)
    references: References | None = None
    facts: Facts | None = None
    resolved: ResolvedSpec | None = None
    steps: tuple[Step, ...] = ()
    plan: Plan | None = None

    def value_span(self, *path: str | int) -> Span:
        """Return where the value at a path was written, or the nearest thing around it."""
        assert self.document is not None
        return self.document.value_span(path)

    def key_span(self, *path: str | int) -> Span:
        """Return where the key at a path was written, or the nearest thing around it."""
        assert self.document is not None
        return self.document.key_span(path)

    def is_poisoned(self, *path: str | int) -> bool:
        """True when something was already said about the value at a path, or about what holds it."""
        return any(path[: len(bad)] == bad for bad in self.poisoned)

    def is_suspect(self, *place: str | int) -> bool:
        """True when something was said about what stands at a place or may have been meant to; `*` is any name.

        A key that nobody knows may be meant for any key that is missing beside it.
        """
        assert self.document is not None
        for bad in self.poisoned:
            common = min(len(bad), len(place))
            if matches(bad[:common], place[:common]):
                return True
            if len(bad) <= len(place) and matches(bad[:-1], place[: len(bad) - 1]):
                missing = self.document.node((*bad[:-1], place[len(bad) - 1])) is None
                known = known_keys(bad[:-1])
                if missing and known and bad[-1] not in known:
                    return True
        return False

    def is_faulty(self, *path: str | int) -> bool:
        """True when an error was found inside what is written at a path: what follows from it is not worth saying."""
        whole = self.value_span(*path)
        return any(
            item.severity is Severity.ERROR
            and item.primary.span.source is whole.source
            and whole.start <= item.primary.span.start < whole.end
            for item in self.sink
        )
