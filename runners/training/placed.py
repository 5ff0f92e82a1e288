"""Rows that remember where they came from, while everything that handles them sees plain mappings."""

from collections.abc import Mapping
from typing import Any


class PlacedRow(dict[str, Any]):
    """A row with `place`, the file:line it was read from; equal to any mapping with the same content."""

    __slots__ = ("place",)

    def __init__(self, row: Mapping[str, Any], place: str) -> None:
        super().__init__(row)
        self.place = place


def place_of(row: Mapping[str, Any]) -> str:
    """Return the file:line of a row, or words where nobody knows."""
    return row.place if isinstance(row, PlacedRow) else "a row"
