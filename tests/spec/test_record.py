"""A record is a frozen dataclass with slots, cheaper to define: the two are held against each other."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from tunewright.spec.record import record


@record(kw_only=True)
class Box:
    """A record."""

    name: str
    sides: tuple[int, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    seen: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The dataclass that `Box` should be."""

    name: str
    sides: tuple[int, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    seen: int = field(default=0, compare=False, repr=False)


@record
class Point:
    """A record with positions, something derived, and a text of its own."""

    x: int
    y: int = 2
    colours: dict[str, str] = field(default_factory=dict, hash=False)
    total: int = field(init=False)
    notes: list[str] = field(init=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", self.x + self.y)

    def __repr__(self) -> str:
        return f"<{self.x} {self.y}>"


def test_it_is_what_dataclass_makes() -> None:
    mine, theirs = Box(name="a", sides=(1,), seen=3), Model(name="a", sides=(1,), seen=3)
    assert asdict(mine) == asdict(theirs)
    assert repr(mine).replace("Box", "Model") == repr(theirs)
    assert [item.name for item in fields(mine)] == [item.name for item in fields(theirs)]
    assert replace(mine, name="b") == Box(name="b", sides=(1,))
    assert mine == Box(name="a", sides=(1,), seen=4), "what is not compared does not count"
    assert mine != theirs
    assert mine.labels is not Box(name="a").labels
    assert Point.__match_args__ == ("x", "y", "colours")
    assert not hasattr(mine, "__dict__")


def test_hash_follows_equality() -> None:
    assert len({Point(1), Point(1, 2), Point(2, 1)}) == 2
    assert hash(Point(1)) == hash(Point(1, colours={"x": "red"}))
    assert Point(1) != Point(1, colours={"x": "red"})
    with pytest.raises(TypeError, match="unhashable"):
        hash(Box(name="a"))


def test_derived_fields_and_own_methods_stay() -> None:
    point = Point(1, y=4)
    assert (point.total, point.notes, repr(point)) == (5, [], "<1 4>")
    match point:
        case Point(x, y):
            assert (x, y) == (1, 4)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_equal(copied: Callable[[Any], Any]) -> None:
    assert copied(Box(name="a", labels={"b": "c"})) == Box(name="a", labels={"b": "c"})


def test_it_does_not_change() -> None:
    box: Any = Box(name="a")
    with pytest.raises(FrozenInstanceError, match="name"):
        box.name = "b"
    with pytest.raises(FrozenInstanceError, match="name"):
        del box.name


def test_what_is_not_given_or_not_known_is_refused() -> None:
    made: Any = Box
    with pytest.raises(TypeError, match="name"):
        made()
    with pytest.raises(TypeError, match="colour"):
        made(name="a", colour="red")
    with pytest.raises(TypeError, match="positional"):
        made("a")
