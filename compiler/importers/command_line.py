"""Shell text to commands, without a shell: quotes, escapes, comments, continuations, assignments. Nothing is executed.

The standard library's `shlex` takes the `#` of `dataset#500` for a comment and keeps no line numbers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tunewright.compiler.importers.arithmetic import evaluate
from tunewright.spec.record import record

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^{}$`]*))?\}")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
_OPERATORS = frozenset(";&|()\n")
_REDIRECTIONS = frozenset("<>")
_LONGEST_VALUE = 1000
_KEYWORDS = frozenset({"export", "declare", "local", "readonly"})


@record
class Word:
    """One word of a command; `unresolved` names the variables and substitutions whose value the text does not say."""

    text: str
    line: int
    unresolved: tuple[str, ...] = ()


@record
class Command:
    """A simple command: its words, and the variables set for it or before it; `unknown`: those set to what the text
    does not say.
    """

    words: tuple[Word, ...]
    environment: Mapping[str, str]
    unknown: tuple[str, ...] = ()

    @property
    def line(self) -> int:
        """Line of the first word."""
        return self.words[0].line


def parse_script(text: str) -> tuple[Command, ...]:
    """Return the commands of a script in their order; control structures count as separators."""
    return _Script(text.replace("\r\n", "\n")).commands()


@dataclass(slots=True)
class _Script:
    text: str
    at: int = 0
    line: int = 1
    variables: dict[str, str] = field(default_factory=dict)

    def commands(self) -> tuple[Command, ...]:
        found: list[Command] = []
        words: list[Word] = []
        while self.at < len(self.text):
            word = self._next()
            if word is not None:
                words.append(word)
            elif words:
                self._end(words, found)
                words = []
        if words:
            self._end(words, found)
        return tuple(found)

    def _end(self, words: list[Word], found: list[Command]) -> None:
        """Take assignments off the front; alone (or after `export`) they last, before a command they are its own."""
        while words and words[0].text in _KEYWORDS | {"then", "do", "else", "env"}:
            words = words[1:]
        own: dict[str, str] = {}
        unknown: list[str] = []
        while words and (match := _ASSIGNMENT.match(words[0].text)):
            # A value that doubles itself line by line must not grow without end.
            if not words[0].unresolved and len(words[0].text) <= _LONGEST_VALUE:
                own[match[1]] = words[0].text[match.end() :]
            else:
                unknown.append(match[1])
            words = words[1:]
        if words:
            found.append(Command(tuple(words), {**self.variables, **own}, tuple(unknown)))
        else:
            self.variables.update(own)

    def _next(self) -> Word | None:
        """Return the next word, or None at the end of a command."""
        while True:
            self._blanks()
            if self.at >= len(self.text):
                return None
            letter = self.text[self.at]
            if letter == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
                return None
            if letter in _OPERATORS:
                self._advance()
                return None
            if letter in _REDIRECTIONS:
                self._redirection()
                continue
            word = self._word()
            # The `2` of `2>&1` is no argument.
            if not (word.text.isdigit() and self.text[self.at : self.at + 1] in ("<", ">")):
                return word

    def _redirection(self) -> None:
        """Pass over a redirection with its target, or over a whole here-document."""
        if match := _HEREDOC.match(self.text, self.at):
            end = re.compile(rf"^\t*{match[2]}$", re.MULTILINE).search(self.text, match.end())
            self._advance((end.end() if end else len(self.text)) - self.at)
            return
        while self.at < len(self.text) and self.text[self.at] in "<>&":
            self._advance()
        self._blanks()
        if self.at < len(self.text) and self.text[self.at] not in _OPERATORS | _REDIRECTIONS | {"#"}:
            self._word()

    def _advance(self, count: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def _blanks(self) -> None:
        while self.at < len(self.text):
            if self.text[self.at] in " \t\r":
                self._advance()
            elif self.text.startswith("\\\n", self.at):
                self._advance(2)
            else:
                return

    def _word(self) -> Word:
        line = self.line
        parts: list[str] = []
        unresolved: list[str] = []
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter in " \t\r<>" or letter in _OPERATORS:
                break
            if letter == "'":
                parts.append(self._single_quoted())
            elif letter == '"':
                parts.append(self._double_quoted(unresolved))
            elif letter in "$`":
                parts.append(self._expansion(unresolved))
            elif letter == "\\":
                parts.append(self._escaped())
            else:
                parts.append(letter)
                self._advance()
        return Word("".join(parts), line, tuple(unresolved))

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        inside = self.text[self.at + 1 : end]
        self._advance(end + 1 - self.at)
        return inside

    def _double_quoted(self, unresolved: list[str]) -> str:
        self._advance()
        parts = []
        while self.at < len(self.text) and self.text[self.at] != '"':
            letter = self.text[self.at]
            if letter in "$`":
                parts.append(self._expansion(unresolved))
            elif letter == "\\" and self.text[self.at + 1 : self.at + 2] in ("\\", '"', "$", "`", "\n"):
                parts.append(self._escaped())
            else:
                parts.append(letter)
                self._advance()
        self._advance()
        return "".join(parts)

    def _escaped(self) -> str:
        letter = self.text[self.at + 1 : self.at + 2]
        self._advance(2)
        return "" if letter == "\n" else letter

    def _expansion(self, unresolved: list[str]) -> str:
        """Return a variable's value where the script itself says it; else the text as written, noted as unresolved."""
        start = self.at
        if self.text[start] == "`" or self.text.startswith("$(", start):
            return self._substitution(unresolved)
        if match := _BRACED.match(self.text, start + 1):
            name, fallback = match[1], match[2]
        elif match := _NAME.match(self.text, start + 1):
            name, fallback = match[0], None
        else:
            self._advance()
            if self.text.startswith("{", self.at):
                unresolved.append("${...}")
            return "$"
        self._advance(match.end() - start)
        value = self.variables.get(name, fallback)
        if value is None:
            unresolved.append(f"${name}")
            return f"${name}"
        return value

    def _substitution(self, unresolved: list[str]) -> str:
        start, closing = self.at, "`" if self.text[self.at] == "`" else ")"
        depth, at = (0, start + 1) if closing == "`" else (1, start + 2)
        while at < len(self.text) and not (self.text[at] == closing and depth <= 1):
            depth += {"(": 1, ")": -1}.get(self.text[at], 0) if closing == ")" else 0
            at += 1
        self._advance(min(at + 1, len(self.text)) - start)
        written = self.text[start : self.at]
        if (value := evaluate(written, self.variables)) is not None:
            return value
        unresolved.append(written)
        return written
