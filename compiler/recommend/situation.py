"""What a recommendation starts from, and what it is."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.ir.facts import DataFacts, HardwareFacts, ModelFacts
from tunewright.spec.record import record

#: Task -> what the model is to learn, as a person would say it.
TASKS: Mapping[str, str] = {
    "chat": "give answers like those in the rows",
    "json": "answer with one JSON object",
    "classify": "answer with one of a few labels",
    "preference": "prefer the better of two answers",
    "continue": "go on reading: learn the language of plain texts",
}

_REPLIES = ("messages", "prompt_completion", "instruction")
#: Task -> formats of rows that it learns from.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "chat": _REPLIES,
    "json": _REPLIES,
    "classify": _REPLIES,
    "preference": ("preference", "kto"),
    "continue": ("text",),
}


class RecommendationError(ValueError):
    """Nothing sound can be recommended; `help` says what would change that."""

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002 - the word that users see
        super().__init__(message)
        self.help = help


@record(kw_only=True)
class Exam:
    """What the model will be measured with: where the rows lie and what is known of them.

    `taken`: so many of the last rows of the data were kept back for it (0: the user has rows for it). `longest_reply`
    is in characters; `guess` the share that always giving the most frequent label gets (classification).
    """

    file: str
    rows: int
    longest_reply: int
    taken: int
    guess: float | None = None


@record(kw_only=True)
class Situation:
    """Everything a recommendation depends on. `stated`: the machine was named, so the spec names it too."""

    name: str
    task: str
    source: str
    source_reason: str
    data: DataFacts
    model: ModelFacts
    model_reason: str
    hardware: HardwareFacts
    exam: Exam
    export: bool = False
    deploy: bool = False

    @property
    def learned_rows(self) -> int:
        """Rows that are left for learning."""
        return self.data.rows - self.exam.taken

    @property
    def device(self) -> str:
        """The accelerator in words."""
        accelerator = self.hardware.accelerator
        return f"{accelerator.count} x {accelerator.name}" if accelerator else "a CPU"


@record(kw_only=True)
class Choice:
    """One line of a spec: where, what, why. An empty reason: the line needs none."""

    path: tuple[str, ...]
    value: Any
    reason: str = ""


def under(*path: str, **lines: tuple[Any, str]) -> tuple[Choice, ...]:
    """Return choices below a path, each written as `key=(value, reason)`."""
    return tuple(
        Choice(path=(*path, key.rstrip("_")), value=value, reason=reason) for key, (value, reason) in lines.items()
    )
