"""The labels of classifiers: how rows name them, and the numbers that a model knows them by. Standard library only."""

from collections.abc import Iterable, Sequence


def label_name(label: str | int) -> str:
    """Return a label as the text that names it."""
    return label.strip() if isinstance(label, str) else str(label)


def label_number(name: str, labels: Sequence[str]) -> int | None:
    """Return the number of a label: by its name, or by what it says where it is a number and no name; else None."""
    if name in labels:
        return labels.index(name)
    return int(name) if name.isdecimal() and int(name) < len(labels) else None


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return labels in the order of their numbers where all are numbers, else of their letters."""
    known = sorted(names)
    return tuple(sorted(known, key=int)) if all(name.isdecimal() for name in known) else tuple(known)
