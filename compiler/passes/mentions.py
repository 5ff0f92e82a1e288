"""Names that stand for something declared elsewhere: what nobody declared is one finding, however often it is named."""

from collections.abc import Collection
from dataclasses import dataclass, field

from tunewright.compiler.passes.work import Work
from tunewright.spec.diagnostics import Edit, Label
from tunewright.spec.document import Path
from tunewright.spec.suggest import listed, nearest, suggestion

_WORDS = {"steps": "step", "data": "data set", "suites": "suite"}


@dataclass(slots=True)
class Mentions:
    """Collects names that are not declared; `report` then says each once, at the place that names it first."""

    work: Work
    _unknown: dict[tuple[str, str], list[Path]] = field(default_factory=dict)
    _known: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def check(self, section: str, name: str, path: Path, declared: Collection[str], more: Collection[str] = ()) -> bool:
        """Return whether `name`, mentioned at a path, is declared in a section or is one of those that are `more`."""
        if name in declared or name in more:
            return True
        if not self.work.is_poisoned(*path) and not self._may_be_meant(section, name):
            self._unknown.setdefault((section, name), []).append(path)
            self._known[section, name] = (*declared, *more)
        return False

    def report(self) -> frozenset[Path]:
        """Report what is unknown; return the places about which everything is said: the mentions and the names."""
        for (section, name), paths in self._unknown.items():
            what, known = _WORDS[section], self._known[section, name]
            spans = [self.work.value_span(*path) for path in paths]
            near = nearest(name, known)
            here = f"{what}s here: {listed(known, 20)}" if known else f"there are no {what}s: declare it in `{section}`"
            self.work.sink.report(
                "TW2022" if section == "suites" else "TW2001",
                f"unknown {what} `{name}`",
                spans[0],
                labels=tuple(Label(span, "named here too") for span in spans[1:]),
                help=suggestion(near, here),
                edit=Edit(spans[0], near) if near else None,
            )
        return frozenset(path for name, paths in self._unknown.items() for path in (*paths, name))

    def _may_be_meant(self, section: str, name: str) -> bool:
        """True when the section, or an entry of about this name, was not usable: the mention may well be right."""
        bad_names = [bad[1] for bad in self.work.poisoned if bad[0] == section and len(bad) == 2]
        return self.work.is_suspect(section, name) or nearest(name, map(str, bad_names)) is not None
