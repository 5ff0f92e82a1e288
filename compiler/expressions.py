"""What a gate requires, as text, as a tree, and evaluated: one grammar for the compiler's checks and the engine's
verdicts. Pure.

either     = both ("or" both)*
both       = inverse ("and" inverse)*
inverse    = "not" inverse | comparison
comparison = sum [(">=" | "<=" | ">" | "<" | "==" | "!=") sum]
sum        = product (("+" | "-") product)*
product    = sign (("*" | "/") sign)*
sign       = "-" sign | atom
atom       = number | metric | ("mean" | "min" | "max") "(" sum ("," sum)* ")" | "(" either ")"
metric     = step "." suite "." name; a part may be "*" inside a function
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import NoReturn

from tunewright.spec.record import record

Metrics = Mapping[str, Mapping[str, Mapping[str, float]]]
"""step -> suite -> metric -> value."""

FUNCTIONS = ("mean", "min", "max")
_COMPARISONS = (">=", "<=", "==", "!=", ">", "<")
_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<path>(?:[A-Za-z_]\w*|\*)(?:\.(?:[A-Za-z_]\w*|\*))+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>>=|<=|==|!=|[-+*/()<>,])"
)
_MAX_DEPTH, _MAX_TOKENS = 50, 400


class ExpressionError(ValueError):
    """The text is not a requirement, or it can't be evaluated; `column` (from 1) is where in the text."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@record
class Number:
    """A literal, kept as it was written."""

    text: str
    column: int


@record
class Metric:
    """`step.suite.metric`; inside a function each part may be `*`."""

    step: str
    suite: str
    name: str
    column: int

    @property
    def path(self) -> str:
        """The metric as it is written."""
        return f"{self.step}.{self.suite}.{self.name}"

    @property
    def wild(self) -> bool:
        """Whether it may stand for several metrics."""
        return "*" in (self.step, self.suite, self.name)


@record
class Unary:
    """`-` or `not` before an operand."""

    operator: str
    operand: "Expression"
    column: int


@record
class Binary:
    """Arithmetic, a comparison, `and` or `or`."""

    operator: str
    left: "Expression"
    right: "Expression"
    column: int


@record
class Call:
    """`mean`, `min` or `max` over its arguments; a wildcard gives as many as fit."""

    function: str
    arguments: "tuple[Expression, ...]"
    column: int


@record
class Group:
    """Parentheses, kept so that the evaluated text reads as the written one."""

    inner: "Expression"
    column: int


Expression = Number | Metric | Unary | Binary | Call | Group


@record
class Evaluation:
    """Whether a requirement holds, and its text with the numbers beside the names."""

    passed: bool
    text: str


@record
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str) -> Expression:
    """Return the tree of a requirement; raise ExpressionError where the text is none."""
    parser = _Parser(text)
    expression = parser.either()
    parser.expect_end()
    if not _decides(expression):
        raise ExpressionError("a requirement compares: write it with >=, <=, >, <, == or !=", 1)
    return expression


def names_used(text: str) -> tuple[str, ...]:
    """Return the metrics that a requirement reads, as `step.suite.metric`, in the order of the text, wildcards kept.

    Raises ExpressionError where the text is no requirement.
    """
    return tuple(metric.path for metric in _metrics(parse(text)))


def paths_in(text: str) -> tuple[tuple[str, int], ...]:
    """Return every word with dots and the offset where it begins, also where the text is no requirement (yet)."""
    return tuple((match.group(), match.start()) for match in _TOKEN.finditer(text) if match.lastgroup == "path")


def evaluate(expression: Expression, metrics: Metrics) -> Evaluation:
    """Evaluate a parsed requirement; raise ExpressionError for a metric that does not exist, naming what does, and for
    amounts that no number can hold.
    """
    try:
        value, text = _evaluate(expression, metrics)
    except ExpressionError:
        raise
    except (ArithmeticError, ValueError):
        raise ExpressionError("its amounts are larger than any number can be", 1) from None
    return Evaluation(bool(value), text)


def _decides(expression: Expression) -> bool:
    match expression:
        case Binary(operator=operator):
            return operator in _COMPARISONS or operator in ("and", "or")
        case Unary(operator=operator):
            return operator == "not"
        case Group(inner=inner):
            return _decides(inner)
        case _:
            return False


def _metrics(expression: Expression) -> Iterator[Metric]:
    match expression:
        case Metric():
            yield expression
        case Unary(operand=inner) | Group(inner=inner):
            yield from _metrics(inner)
        case Binary(left=left, right=right):
            yield from _metrics(left)
            yield from _metrics(right)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from _metrics(argument)
        case Number():
            return


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        if len(self._tokens) > _MAX_TOKENS:
            raise ExpressionError("too long: divide it into several requirements", 1)
        self._position = 0
        self._depth = 0
        self._inside_call = False

    def either(self) -> Expression:
        left = self._both()
        while self._at("or"):
            token = self._next()
            left = self._logic(token, left, self._both())
        return left

    def expect_end(self) -> None:
        token = self._peek()
        if token.kind != "end":
            raise ExpressionError(f"`{token.text}` is not expected here", token.column)

    def _both(self) -> Expression:
        left = self._inverse()
        while self._at("and"):
            token = self._next()
            left = self._logic(token, left, self._inverse())
        return left

    def _inverse(self) -> Expression:
        if not self._at("not"):
            return self._comparison()
        token = self._next()
        self._deeper(token)
        operand = self._inverse()
        self._depth -= 1
        if not _decides(operand):
            raise ExpressionError("`not` needs a comparison after it", token.column)
        return Unary("not", operand, token.column)

    def _logic(self, token: _Token, left: Expression, right: Expression) -> Expression:
        if not (_decides(left) and _decides(right)):
            raise ExpressionError(f"`{token.text}` needs a comparison on both sides", token.column)
        return Binary(token.text, left, right, token.column)

    def _comparison(self) -> Expression:
        left = self._sum()
        if not self._at(*_COMPARISONS):
            return left
        token = self._next()
        comparison = Binary(token.text, _amount(left), _amount(self._sum()), token.column)
        if self._at(*_COMPARISONS):
            raise ExpressionError("only two sides can be compared: join comparisons with `and`", self._peek().column)
        return comparison

    def _sum(self) -> Expression:
        left = self._product()
        while self._at("+", "-"):
            token = self._next()
            left = Binary(token.text, _amount(left), _amount(self._product()), token.column)
        return left

    def _product(self) -> Expression:
        left = self._sign()
        while self._at("*", "/"):
            token = self._next()
            left = Binary(token.text, _amount(left), _amount(self._sign()), token.column)
        return left

    def _sign(self) -> Expression:
        if not self._at("-"):
            return self._atom()
        token = self._next()
        self._deeper(token)
        operand = _amount(self._sign())
        self._depth -= 1
        return Unary("-", operand, token.column)

    def _atom(self) -> Expression:
        token = self._next()
        match token.kind, token.text:
            case "number", text:
                return Number(text, token.column)
            case "path", text:
                return self._metric(token)
            case "word", word if word in FUNCTIONS:
                return self._call(token)
            case "sign", "(":
                self._deeper(token)
                inner = self.either()
                self._take(")")
                self._depth -= 1
                return Group(inner, token.column)
            case "end", _:
                raise ExpressionError("something is missing at the end", token.column)
            case "word", word:
                raise ExpressionError(f"`{word}` is no metric: write step.suite.metric", token.column)
            case _:
                raise ExpressionError(f"`{token.text}` is not expected here", token.column)

    def _metric(self, token: _Token) -> Metric:
        parts = token.text.split(".")
        if len(parts) != 3:
            raise ExpressionError(f"`{token.text}` is no metric: write step.suite.metric", token.column)
        metric = Metric(parts[0], parts[1], parts[2], token.column)
        if metric.wild and not self._inside_call:
            message = f"`{metric.path}` may be several numbers: put it into mean(), min() or max()"
            raise ExpressionError(message, token.column)
        return metric

    def _call(self, token: _Token) -> Call:
        self._deeper(token)
        self._take("(")
        outside, self._inside_call = self._inside_call, True
        arguments = [_amount(self._sum())]
        while self._at(","):
            self._next()
            arguments.append(_amount(self._sum()))
        self._inside_call = outside
        self._take(")")
        self._depth -= 1
        return Call(token.text, tuple(arguments), token.column)

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("nested too deeply", token.column)

    def _at(self, *texts: str) -> bool:
        token = self._peek()
        return token.kind in ("sign", "word") and token.text in texts

    def _peek(self) -> _Token:
        return self._tokens[self._position]

    def _next(self) -> _Token:
        token = self._tokens[self._position]
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def _take(self, text: str) -> None:
        token = self._next()
        if token.text != text or token.kind != "sign":
            raise ExpressionError(f"`{text}` is missing here", token.column)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"`{text[position]}` has no meaning here", position + 1)
        kind = str(match.lastgroup)
        if kind != "blank":
            yield _Token(kind, match.group(), position + 1)
        position = match.end()
    yield _Token("end", "", len(text) + 1)


def _amount(expression: Expression) -> Expression:
    if _decides(expression):
        raise ExpressionError("a comparison is no number", expression.column)
    return expression


def _evaluate(expression: Expression, metrics: Metrics) -> tuple[float | bool, str]:
    match expression:
        case Number(text=text):
            return float(text), text
        case Metric():
            value = _single(expression, metrics)
            return value, f"{expression.path} {_shown(value)}"
        case Group(inner=inner):
            value, text = _evaluate(inner, metrics)
            return value, f"({text})"
        case Unary(operator=operator, operand=operand):
            value, text = _evaluate(operand, metrics)
            return (not value, f"not {text}") if operator == "not" else (-value, f"-{text}")
        case Call(function=function, arguments=arguments):
            value = _called(function, [item for argument in arguments for item in _all(argument, metrics)])
            written = ", ".join(_written(argument) for argument in arguments)
            return value, f"{function}({written}) {_shown(value)}"
        case Binary(operator=operator, left=left, right=right):
            (first, first_text), (second, second_text) = _evaluate(left, metrics), _evaluate(right, metrics)
            return _combined(expression, first, second), f"{first_text} {operator} {second_text}"


def _combined(expression: Binary, left: float, right: float) -> float | bool:
    match expression.operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" if right == 0:
            raise ExpressionError("division by zero", expression.column)
        case "/":
            return left / right
        case "and":
            return bool(left and right)
        case "or":
            return bool(left or right)
        case operator:
            return _compared(operator, left, right)


def _compared(operator: str, left: float, right: float) -> bool:
    match operator:
        case ">=":
            return left >= right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case "<":
            return left < right
        case "==":
            return left == right
        case _:
            return left != right


def _called(function: str, values: list[float]) -> float:
    match function:
        case "mean":
            return math.fsum(values) / len(values)
        case "min":
            return min(values)
        case _:
            return max(values)


def _all(argument: Expression, metrics: Metrics) -> list[float]:
    if not isinstance(argument, Metric) or not argument.wild:
        return [float(_evaluate(argument, metrics)[0])]
    found = [
        _number(value, argument)
        for step, suites in metrics.items()
        for suite, values in suites.items()
        for name, value in values.items()
        if all(
            part in ("*", own) for part, own in ((argument.step, step), (argument.suite, suite), (argument.name, name))
        )
    ]
    return found or _missing(argument, metrics)


def _single(metric: Metric, metrics: Metrics) -> float:
    try:
        value = metrics[metric.step][metric.suite][metric.name]
    except KeyError:
        _missing(metric, metrics)
    return _number(value, metric)


def _number(value: object, metric: Metric) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ExpressionError(f"`{metric.path}` is {value}, which is no number to decide by", metric.column)
    return value


def _missing(metric: Metric, metrics: Metrics) -> NoReturn:
    """Name what exists at the first part that does not fit."""
    suites = {step: values for step, values in metrics.items() if metric.step in ("*", step)}
    if not suites:
        what, known = f"step `{metric.step}` has no metrics", sorted(metrics)
    else:
        inner = {name: item for values in suites.values() for name, item in values.items()}
        if metric.suite not in ("*", *inner):
            what, known = f"`{metric.step}` has no suite `{metric.suite}`", sorted(inner)
        else:
            chosen = inner.values() if metric.suite == "*" else [inner[metric.suite]]
            what = f"`{metric.step}.{metric.suite}` has no metric `{metric.name}`"
            known = sorted({name for values in chosen for name in values})
    raise ExpressionError(f"{what}; there is {', '.join(known) or 'none'}", metric.column)


def _written(expression: Expression) -> str:
    match expression:
        case Number(text=text):
            return text
        case Metric():
            return expression.path
        case Group(inner=inner):
            return f"({_written(inner)})"
        case Unary(operator=operator, operand=operand):
            return f"{operator}{_written(operand)}"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(_written(item) for item in arguments)})"
        case Binary(operator=operator, left=left, right=right):
            return f"{_written(left)} {operator} {_written(right)}"


def _shown(value: float) -> str:
    """At least three decimals, at most six digits that count: close calls must not look like ties."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6g}"
    if "e" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(3, '0')}"
