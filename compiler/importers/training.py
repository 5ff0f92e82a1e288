"""A training step in our words, before it is written: what several frameworks say alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.words import ATTENTION, OPTIMIZERS, PRECISIONS, SCHEDULERS
from tunewright.spec.tuners import TUNERS, Tuner


@dataclass(slots=True)
class Training:
    """Values of one training step by our dotted names."""

    drafting: Drafting
    values: dict[str, Said] = field(default_factory=dict)

    def set(self, name: str, said: Said | None, default: Said | None = None) -> None:
        """Set a value, or the default where nothing is said; nothing where both are missing."""
        chosen = said or default
        if chosen is not None:
            self.values[name] = chosen

    def get(self, name: str) -> object:
        """Return a value, or None."""
        said = self.values.get(name)
        return said.value if said else None

    def change(self, name: str, value: object, why: str) -> None:
        """Put another value in a value's place, with the reason."""
        self.values[name] = self.values[name].but(value, why)

    def drop(self, *names: str) -> None:
        """Take values back."""
        for name in names:
            self.values.pop(name, None)

    def set_weights(self, options: Options, second: Sequence[str], good: str, bad: str) -> None:
        """Set how much good and bad replies count, and the supervised term of pairs (its names: `second`)."""
        if self.get("method") == "kto":
            self.set("desirable_weight", options.number(good))
            self.set("undesirable_weight", options.number(bad))
        elif self.get("method") == "dpo":
            weight = options.number(*second)
            self.set("sft_weight", weight if weight is not None and weight.value > 0 else None)

    def drop_unused(self, why: str, *names: str) -> None:
        """Take values back that mean nothing here; what was written is named among what is left out."""
        for name in names:
            if (said := self.values.pop(name, None)) is not None:
                self.drafting.leave(said.origin, why)

    @property
    def tuner(self) -> Tuner | None:
        """What the table says of the tuner; None for one that it does not have, which is refused."""
        return TUNERS.get(str(self.get("tuner.type")))

    @property
    def is_adapter(self) -> bool:
        """True where the base stays as it is."""
        return self.tuner is not None and self.tuner.makes_adapter


def translate_optimizer(said: Said, drafting: Drafting) -> Said | None:
    """Return our optimizer; one that the language lacks is refused: another learns another model."""
    name = str(said.value).lower().removeprefix("optimizernames.")
    found = OPTIMIZERS.get(name)
    if found is None:
        drafting.refuse(said.origin, f"the optimizer is not one of the language's ({', '.join(_words(OPTIMIZERS))})")
        return None
    if found.loss:
        drafting.leave(said.origin, found.loss)
    return Said(found.word, said.origin)


def translate_scheduler(said: Said, drafting: Drafting) -> Said | None:
    """Return our scheduler; one that the language lacks is refused."""
    found = SCHEDULERS.get(str(said.value).lower().removeprefix("schedulertype."))
    if found is None:
        drafting.refuse(said.origin, f"the schedule is not one of the language's ({', '.join(_words(SCHEDULERS))})")
        return None
    if found.loss:
        drafting.lose(said.origin, found.loss)
    return Said(found.word, said.origin)


def translate_attention(said: Said, drafting: Drafting) -> Said:
    """Return our attention; implementations differ in speed, not in what they compute."""
    found = ATTENTION.get(str(said.value).lower())
    if found is None:
        drafting.leave(said.origin, "implementations of attention compute the same; `auto` chooses one")
        return Said("auto", said.origin)
    return Said(found.word, said.origin)


def translate_precision(said: Said, drafting: Drafting) -> Said:
    """Return our precision."""
    found = PRECISIONS.get(str(said.value).lower().removeprefix("torch."))
    if found is None:
        drafting.lose(said.origin, "is no number format of the language; `auto` chooses one")
        return Said("auto", said.origin)
    return Said(found, said.origin)


def _words(table: object) -> list[str]:
    assert isinstance(table, dict)
    return sorted({translation.word for translation in table.values()})
