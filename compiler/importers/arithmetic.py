"""Whole-number arithmetic of shells, `$(expr 16 / 4)` and `$((16 / 4))`, without a shell."""

import re
from collections.abc import Mapping

_OUTER = re.compile(r"\$\(\s*expr\s+(?P<expr>.+)\)|\$\(\((?P<double>.+)\)\)|`\s*expr\s+(?P<ticks>.+)`", re.DOTALL)
_TOKEN = re.compile(r"\s*(\d{1,12}|\$?\{?[A-Za-z_]\w*\}?|\\?\*|[-+/%()])\s*", re.ASCII)
_MOST_TOKENS = 64
_LARGEST = 10**12


def evaluate(written: str, variables: Mapping[str, str]) -> str | None:
    """Return what an arithmetic substitution comes to, or None where it is none or holds what is not known."""
    match = _OUTER.fullmatch(written)
    if match is None:
        return None
    tokens = _tokens(match["expr"] or match["double"] or match["ticks"], variables)
    if tokens is None:
        return None
    value = _Sum(tokens).value()
    return None if value is None or abs(value) > _LARGEST else str(value)


def _tokens(text: str, variables: Mapping[str, str]) -> list[str] | None:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(tokens) >= _MOST_TOKENS:
            return None
        token = match[1].removeprefix("\\")
        name = token.lstrip("$").strip("{}")
        if name.isidentifier():
            token = variables.get(name, "")
            if not re.fullmatch(r"\d{1,12}", token, re.ASCII):
                return None
        tokens.append(token)
        at = match.end()
    return tokens


class _Sum:
    """Sums of products of numbers and parentheses, read from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def value(self) -> int | None:
        """Return the value, or None where the tokens are no sum."""
        value = self._sum()
        return value if self._at == len(self._tokens) else None

    def _next(self, *wanted: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _sum(self) -> int | None:
        value = self._product()
        while value is not None and (sign := self._next("+", "-")):
            other = self._product()
            value = None if other is None else value + other if sign == "+" else value - other
        return value

    def _product(self) -> int | None:
        value = self._number()
        while value is not None and (sign := self._next("*", "/", "%")):
            other = self._number()
            if other is None or (sign != "*" and other == 0):
                return None
            value = value * other if sign == "*" else int(value / other) if sign == "/" else value % other
            if abs(value) > _LARGEST:
                return None
        return value

    def _number(self) -> int | None:
        if self._next("("):
            value = self._sum()
            return value if self._next(")") else None
        if self._at < len(self._tokens) and self._tokens[self._at].isdigit():
            self._at += 1
            return int(self._tokens[self._at - 1])
        return None
