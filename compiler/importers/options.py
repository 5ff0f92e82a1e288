"""Options of another framework, read by type; what nobody takes is left over and will be reported."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.spec.record import record

_SECRET = re.compile(
    r"(?<!pad_)(?<!bos_)(?<!eos_)(?<!unk_)(?<!mask_)(?:token|api_?key|secret|password)$", re.IGNORECASE
)
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0", "none"})
_LONGEST_SHOWN = 64


@record
class Option:
    """One option as it was written: a value of YAML or JSON, or the texts after `--name` in a command.

    `given` names what gave it where nobody wrote it: a default.
    """

    name: str
    value: Any
    line: int | None = None
    in_command: bool = False
    given: str = ""

    @property
    def subject(self) -> str:
        """The option as people wrote it, short, on one line, without a secret."""
        shown = "***" if _SECRET.search(self.name) else _shown(self.value)
        return f"--{self.name} {shown}".rstrip() if self.in_command else f"{self.name}: {shown}"

    @property
    def origin(self) -> str:
        """The same with its line, or what else gave the option."""
        if self.given:
            return self.given
        return f"{self.subject} (line {self.line})" if self.line else self.subject

    def origin_of(self, part: str) -> str:
        """The origin of one of several values."""
        return Option(self.name, part, self.line, self.in_command).origin

    @property
    def is_empty(self) -> bool:
        """True for `name:` without a value."""
        return self.value is None or self.value in ("", ())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, tuple):
        text = " ".join(_shown(item) for item in value)
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    else:
        text = str(value)
    return printable(text)


def printable(text: str, limit: int = _LONGEST_SHOWN) -> str:
    """Return a text that can stand in a comment: one line, nothing invisible, not long."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * limit])
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


@dataclass(slots=True)
class Options:
    """The options of one command or file. Every reader marks what it returns as taken; wrong types are reported."""

    items: Mapping[str, Option]
    drafting: Drafting
    taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, options: Iterable[Option], drafting: Drafting, renames: Mapping[str, str] | None = None) -> "Options":
        """Make them from a list, the last of two equal names counting; names without a value are noted as such."""
        items: dict[str, Option] = {}
        for option in options:
            if option.is_empty:
                drafting.leave(option.name, "has no value")
                continue
            items[(renames or {}).get(option.name, option.name)] = option
        return cls(items, drafting)

    def has(self, *names: str) -> bool:
        """Say whether one of the options is written."""
        return any(name in self.items for name in names)

    def take(self, *names: str) -> Option | None:
        """Return the first of these options that is written; mark all of them as taken."""
        self.taken.update(name for name in names if name in self.items)
        return next((self.items[name] for name in names if name in self.items), None)

    def number(self, *names: str) -> Said | None:
        """Return a number."""
        return self._typed(self.take(*names), as_number, "is not a number")

    def integer(self, *names: str) -> Said | None:
        """Return a whole number."""
        return self._typed(self.take(*names), as_integer, "is not a whole number")

    def flag(self, *names: str) -> Said | None:
        """Return true or false; `--name` alone is true."""
        return self._typed(self.take(*names), as_flag, "is neither true nor false")

    def word(self, *names: str) -> Said | None:
        """Return a text."""
        return self._typed(self.take(*names), as_word, "is not one text")

    def words(self, *names: str) -> Said | None:
        """Return a list of texts: a YAML list, several words, or words parted by commas."""
        return self._typed(self.take(*names), as_words, "is not a list of texts")

    def is_on(self, name: str) -> bool:
        """Say whether a flag is written and true, without taking it."""
        option = self.items.get(name)
        return option is not None and bool(as_flag(option.value))

    def rest(self) -> tuple[tuple[str, Option], ...]:
        """Return what nobody took, under its newest name."""
        return tuple((name, option) for name, option in self.items.items() if name not in self.taken)

    def silent(self) -> tuple[Option, ...]:
        """Return what was taken and then decided nothing."""
        read = (option for name, option in self.items.items() if name in self.taken and not option.given)
        return tuple(option for option in read if not self.drafting.mentions(option.subject, f"{option.name}["))

    def _typed(self, option: Option | None, read: Any, complaint: str) -> Said | None:
        if option is None:
            return None
        value = read(option.value)
        if value is None:
            self.drafting.lose(option.origin, complaint)
            return None
        return Said(value, option.origin)


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def as_number(value: Any) -> float | None:
    """Return a finite number, or None."""
    value = _single(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e15 else None


def as_integer(value: Any) -> int | None:
    """Return a whole number, or None."""
    number = as_number(value)
    return int(number) if number is not None and number == int(number) else None


def as_flag(value: Any) -> bool | None:
    """Return true or false as YAML 1.1 and argparse read it, or None."""
    value = _single(value)
    if value == ():
        return True
    text = str(value).lower()
    return True if text in _TRUE else False if text in _FALSE else None


def as_word(value: Any) -> str | None:
    """Return a text, or None for lists and mappings."""
    value = _single(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def as_words(value: Any) -> tuple[str, ...] | None:
    """Return texts, or None where an element is none."""
    items = value if isinstance(value, tuple) else (value,)
    texts = [as_word(item) for item in items]
    if any(text is None for text in texts):
        return None
    parts = [part.strip() for text in texts if text is not None for part in text.split(",")]
    return tuple(part for part in parts if part)
