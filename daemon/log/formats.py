"""The two forms of the daemon's log: lines for people, and one JSON object a line for programs."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tunewright.compiler.render.plain import clean, clean_line
from tunewright.daemon.log.context import current

Redact = Callable[[str], str]


class JsonLines(logging.Formatter):
    """One record, one line; a traceback goes into `error`."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        value: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": _logger(record),
            "message": self._redact(_message(record)),
        }
        for name, field in current().items():
            value[name] = self._redact(field) if isinstance(field, str) else field
        if (trouble := _trouble(self, record)) is not None:
            value["error"] = self._redact(trouble)
        # What JSON lets stand and terminals or splitters of lines act on is cleaned before: nothing is two lines.
        return json.dumps(
            {name: clean(item) if isinstance(item, str) else item for name, item in value.items()}, ensure_ascii=False
        )


class TextLines(logging.Formatter):
    """One record, one line, and a traceback below it."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the text."""
        moment = datetime.fromtimestamp(record.created).astimezone()
        about = " ".join(f"{name}={field}" for name, field in current().items())
        line = f"{moment:%Y-%m-%d %H:%M:%S} {record.levelname.lower():<8} {_message(record)}"
        line = clean_line(self._redact(f"{line}   [{about}]" if about else line))
        trouble = _trouble(self, record)
        return line if trouble is None else f"{line}\n{clean(self._redact(trouble))}"


def _logger(record: logging.LogRecord) -> str:
    return record.name.removeprefix("tunewright.")


def _message(record: logging.LogRecord) -> str:
    """A record whose arguments do not fit its text is told all the same: a log that is broken helps nobody."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return f"{record.msg} {record.args!r}"


def _trouble(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[0] is None:
        return None
    return formatter.formatException(record.exc_info)
