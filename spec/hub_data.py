"""Which files of a data set's repository are meant: by its card, else by the names that hubs go by.

PyYAML is imported where a card has to be read.
"""

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunewright.spec.formats import SUFFIXES
from tunewright.spec.record import record

CARD = "README.md"
DEFAULT_SUBSET, DEFAULT_SPLIT = "default", "train"

_SPLIT = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<from>-?\d+%?)?:(?P<to>-?\d+%?)?\])?", re.ASCII)
#: Words in a path that tell the split.
_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHOWN = 8


class HubDataError(ValueError):
    """The repository does not have what was asked for; the message says what it has."""


@record
class Split:
    """A part of a data set: its name, and the bounds of its rows as they are written (`10`, `1%`, or none)."""

    name: str
    start: str | None = None
    stop: str | None = None

    def bounds(self, rows: int) -> tuple[int, int]:
        """Return the first row and the one behind the last, of so many rows."""
        start = _row(self.start, rows, 0)
        return start, max(start, _row(self.stop, rows, rows))

    @property
    def is_whole(self) -> bool:
        """Say whether all rows are meant."""
        return self.start is None and self.stop is None


def parse_split(text: str) -> Split:
    """Read `train`, `train[:100]` or `train[10%:20%]`; raise HubDataError."""
    match = _SPLIT.fullmatch(text)
    if match is None:
        raise HubDataError(f"`{text}` is no part of a data set; write `train`, `train[:1000]` or `train[10%:20%]`")
    return Split(match["name"], match["from"], match["to"])


def data_files(names: Sequence[str], card: str, subset: str | None, split: str | None) -> list[str]:
    """Return the files of a subset's split in the repository's order; raise HubDataError.

    `names` are all its files, `card` is the text of its README.md.
    """
    wanted = parse_split(split).name if split else None
    by_split = _declared(names, card, subset)
    if by_split is None:
        by_split = _by_name(names, subset)
    if wanted is None:
        wanted = DEFAULT_SPLIT if DEFAULT_SPLIT in by_split or len(by_split) != 1 else next(iter(by_split))
    found = by_split.get(wanted)
    if not found:
        raise HubDataError(f"there is no split `{wanted}`; there is: {_listed(by_split)}")
    unread = [name for name in found if not name.endswith(SUFFIXES)]
    if unread:
        raise HubDataError(f"{unread[0]} can't be read; data files are {', '.join(SUFFIXES)}")
    return found


def _declared(names: Sequence[str], card: str, subset: str | None) -> Mapping[str, list[str]] | None:
    """Return the files of each split as the card declares them, None when it declares no files."""
    configs = [item for item in _configs(card) if isinstance(item, Mapping) and item.get("data_files")]
    if not configs:
        return None
    known = {str(item.get("config_name", DEFAULT_SUBSET)): item for item in configs}
    if subset is None:
        marked = [name for name, item in known.items() if item.get("default") is True]
        subset = next((name for name in (*marked, DEFAULT_SUBSET) if name in known), None)
        if subset is None and len(known) == 1:
            subset = next(iter(known))
        if subset is None:
            raise HubDataError(f"it holds several data sets; choose one with `subset`: {_listed(known)}")
    if subset not in known:
        raise HubDataError(f"there is no subset `{subset}`; there is: {_listed(known)}")
    return {
        split: list(dict.fromkeys(name for pattern in patterns for name in names if fnmatch.fnmatch(name, pattern)))
        for split, patterns in _patterns(known[subset]).items()
    }


def _configs(card: str) -> Sequence[Any]:
    if not card.startswith("---"):
        return ()
    import yaml

    try:
        head = yaml.safe_load(card.split("\n---", 1)[0].removeprefix("---"))
    except yaml.YAMLError:
        return ()
    configs = head.get("configs") if isinstance(head, Mapping) else None
    return configs if isinstance(configs, list) else ()


def _patterns(config: Mapping[str, Any]) -> Mapping[str, list[str]]:
    folder = str(config.get("data_dir") or "").strip("/")
    declared = config["data_files"]
    items = declared if isinstance(declared, list) else [declared]
    found: dict[str, list[str]] = {}
    for item in items:
        split, path = (
            (item.get("split", DEFAULT_SPLIT), item.get("path")) if isinstance(item, Mapping) else (None, item)
        )
        for one in path if isinstance(path, list) else [path]:
            pattern = f"{folder}/{one}" if folder else str(one)
            found.setdefault(str(split or DEFAULT_SPLIT), []).append(pattern.removeprefix("./"))
    return found


def _by_name(names: Iterable[str], subset: str | None) -> Mapping[str, list[str]]:
    readable = [name for name in names if name.endswith(SUFFIXES)]
    if subset is not None and subset != DEFAULT_SUBSET:
        folders = {name.split("/")[-2] for name in readable if "/" in name}
        if subset not in folders:
            raise HubDataError(f"there is no subset `{subset}`; its folders are: {_listed(folders)}")
        readable = [name for name in readable if subset in name.split("/")[:-1]]
    if not readable:
        raise HubDataError(f"it holds no data files ({', '.join(SUFFIXES)})")
    found: dict[str, list[str]] = {}
    for name in readable:
        found.setdefault(_split_of(name) or "", []).append(name)
    # Where no name tells a split, everything is for training; where some do, the others (settings, lists) are no rows.
    unnamed = found.pop("", [])
    return found or {DEFAULT_SPLIT: unnamed}


def _split_of(name: str) -> str | None:
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((split for split, spelt in _WORDS.items() if any(word in spelt for word in words)), None)


def _row(bound: str | None, rows: int, otherwise: int) -> int:
    if bound is None:
        return otherwise
    row = round(rows * int(bound[:-1]) / 100) if bound.endswith("%") else int(bound)
    return min(max(row + rows if row < 0 else row, 0), rows)


def _listed(names: Iterable[str]) -> str:
    items = sorted(names)
    return ", ".join(items[:_SHOWN]) + (", ..." if len(items) > _SHOWN else "") if items else "nothing"
