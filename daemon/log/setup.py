"""Where the daemon's log goes, and in which form."""

import logging
import sys
import threading
from types import TracebackType
from typing import Literal

from tunewright.daemon.log.formats import JsonLines, TextLines
from tunewright.daemon.log.redaction import REDACTION

LogFormat = Literal["text", "json"]

_log = logging.getLogger(__name__)


def start_log(form: LogFormat | None = None) -> None:
    """Send everything from INFO on to stderr: as JSON, or as text where a person looks on and nothing else is said.

    What Python itself would write to stderr (warnings, what nobody caught) becomes a record as well.
    """
    if form is None:
        form = "text" if sys.stderr.isatty() else "json"
    output = logging.StreamHandler()
    output.setFormatter(TextLines(REDACTION) if form == "text" else JsonLines(REDACTION))
    logging.basicConfig(level=logging.INFO, handlers=[output], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("ended by what nobody caught: %s", kind.__name__, exc_info=(kind, error, trace))


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    name = found.thread.name if found.thread is not None else "that is gone"
    _log.error("the thread %s ended by what nobody caught", name, exc_info=found.exc_value)
