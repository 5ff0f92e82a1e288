"""Frozen records: `@record` is `@dataclass(frozen=True, slots=True)` that is cheap to define. Standard library only.

`dataclass` writes and compiles the text of seven methods for every frozen class: half a millisecond each time a process
starts. The language and the compiler have more than a hundred such classes, which was a quarter of the time of `check`.
Here only `__init__` is compiled; the other methods are closures over the names of the fields. The class is a dataclass
like any other for `fields`, `replace`, `asdict`, `field`, `match`, `copy`, `pickle` and type checkers.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

_Made = TypeVar("_Made")
_store = object.__setattr__


@overload
def record(made: type[_Made], /) -> type[_Made]: ...
@overload
def record(*, kw_only: bool = False) -> Callable[[type[_Made]], type[_Made]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(made: type[Any] | None = None, /, *, kw_only: bool = False) -> Any:
    """Make a class a frozen dataclass with slots; methods that the class writes itself stay."""

    def make(made: type[Any]) -> type[Any]:
        own = frozenset(vars(made))
        # Where there is no text, `dataclass` writes the signature: that takes longer than all the rest.
        made.__doc__ = made.__doc__ or made.__name__
        finished = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(made)
        for method in (_initializer(finished), *_methods(finished)):
            if method.__name__ not in own:
                setattr(finished, method.__name__, method)
        return finished

    return make if made is None else make(made)


def _initializer(made: type[Any]) -> Callable[..., None]:
    """Compile `__init__`: it is called a hundred thousand times for a long spec, the other methods hardly ever."""
    names: dict[str, Any] = {"_store": _store, "_missing": MISSING}
    positional, keywords, body = ["self"], list[str](), list[str]()
    for each in fields(made):
        parameter, given = _parameter(each, names)
        if each.init:
            (keywords if each.kw_only else positional).append(parameter)
        if given:
            body.append(f" _store(self, {each.name!r}, {given})")
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    parameters = ", ".join([*positional, *(["*"] if keywords else []), *keywords])
    exec(f"def __init__({parameters}):\n" + "\n".join(body or [" pass"]), names)  # noqa: S102 - as dataclass does
    made_initializer: Callable[..., None] = names["__init__"]
    return made_initializer


def _parameter(each: Field[Any], names: dict[str, Any]) -> tuple[str, str]:
    """Return a field as parameter and what is stored in it (nothing where `__post_init__` does that).

    Defaults are put among the names that the compiled text sees.
    """
    name = each.name
    if each.default_factory is not MISSING:
        names[f"_make_{name}"] = each.default_factory
        made = f"_make_{name}()"
        return f"{name}=_missing", f"{made} if {name} is _missing else {name}" if each.init else made
    if each.default is not MISSING:
        names[f"_default_{name}"] = each.default
        return f"{name}=_default_{name}", name if each.init else f"_default_{name}"
    return name, name if each.init else ""


def _methods(made: type[Any]) -> tuple[Callable[..., Any], ...]:
    """Return what is alike in every record: its text, equality, hash, refusal of changes, and state for copies."""
    every = tuple(each.name for each in fields(made))
    shown = tuple(each.name for each in fields(made) if each.repr)
    content = _values([each.name for each in fields(made) if each.compare])
    hashed = _values([each.name for each in fields(made) if (each.compare if each.hash is None else each.hash)])

    def __repr__(self: Any) -> str:  # noqa: N807
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        return content(self) == content(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(hashed(self))

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: ARG001, N807
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self: Any, name: str) -> None:  # noqa: ARG001, N807
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self: Any) -> list[Any]:  # noqa: N807
        return [getattr(self, name) for name in every]

    def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: N807
        for name, value in zip(every, state, strict=True):
            _store(self, name, value)

    return __repr__, __eq__, __hash__, __setattr__, __delattr__, __getstate__, __setstate__


def _values(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()
