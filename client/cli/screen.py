"""The only place that prints. Everything shown passes through here and can't steer the terminal."""

import json
import os
import sys
from typing import IO, Any

import click

from tunewright.compiler.render.plain import clean, clean_but_colours, clean_line, shorten

DEFAULT_WIDTH = 80


def show(text: str, *, end: str = "\n", coloured: bool = False) -> None:
    """Print a text to standard output; `coloured` where a renderer of ours has put colours around cleaned text."""
    _write(text, sys.stdout, end, coloured=coloured)


def show_bytes(data: bytes) -> None:
    """Print bytes as they are: only where somebody asked for exactly that."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def remark(text: str, *, coloured: bool = False) -> None:
    """Print to standard error what is not the answer: progress, warnings, hints."""
    _write(text.rstrip("\n"), sys.stderr, "\n", coloured=coloured)


def redraw(text: str) -> None:
    """Put one short line in place of the last one that was put so, on a terminal's standard error; empty: clear it."""
    shown = shorten(clean_line(text), width() - 1)
    click.echo(f"\r{shown}\x1b[K", file=sys.stderr, nl=False, color=True)
    sys.stderr.flush()


def complain(message: str, help: str = "") -> None:
    """Print an error with what to do about it."""
    _write(f"error: {message}" + (f"\n  help: {help}" if help else ""), sys.stderr, "\n")


def show_json(value: Any) -> None:
    """Print a JSON value, readable, with keys in a stable order."""
    click.echo(json.dumps(value, ensure_ascii=True, indent=2, sort_keys=True, default=_plain))


def colourful(stream: IO[str] | None = None) -> bool:
    """Say whether colours belong on a stream: a terminal, and nobody asked for none."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream or sys.stdout)


def is_terminal(stream: IO[str]) -> bool:
    """Say whether a person is likely to look at a stream."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def width() -> int:
    """Return the columns of the terminal; 80 where there is none."""
    import shutil

    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


def _write(text: str, stream: IO[str], end: str, *, coloured: bool = False) -> None:
    # Even a colour can hide what is written: those of logs, replies and messages are written out.
    safe = clean_but_colours(text) if coloured and colourful(stream) else clean(text)
    click.echo(safe, file=stream, nl=False, color=True)
    click.echo(end, file=stream, nl=False)


def _plain(value: Any) -> Any:
    isoformat = getattr(value, "isoformat", None)
    if isoformat is not None:
        return isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
