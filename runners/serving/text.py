"""Token ids to text as they arrive: whole characters only, and nothing of a stop text or beyond it."""

from collections.abc import Sequence
from typing import Any

_BROKEN = "\ufffd"


class ReplyText:
    """The text of one reply. `push` gives what can be shown now; after `stopped` nothing more comes."""

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(stop)
        self._ids: list[int] = []
        # Decoding depends on the tokens before: those from `_context` to `_read` show where new text starts.
        self._context = self._read = 0
        self._held = ""
        self.stopped = False

    def push(self, ids: Sequence[int]) -> str:
        """Take more tokens and return the text that is now certain."""
        self._ids.extend(ids)
        return self._release(self._decode(), last=False)

    def finish(self) -> str:
        """Return what was held back, broken characters included."""
        return self._release(self._decode(last=True), last=True)

    def _decode(self, *, last: bool = False) -> str:
        known = self._tokenizer.decode(self._ids[self._context : self._read], skip_special_tokens=True)
        now = self._tokenizer.decode(self._ids[self._context :], skip_special_tokens=True)
        if len(now) <= len(known) or (now.endswith(_BROKEN) and not last):
            return ""
        self._context, self._read = self._read, len(self._ids)
        return str(now[len(known) :])

    def _release(self, fresh: str, *, last: bool) -> str:
        if self.stopped:
            return ""
        text = self._held + fresh
        found = [at for at in (text.find(stop) for stop in self._stop) if at >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        kept = 0 if last else max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
