"""Count the tokens of rows as training would: the model's own tokenizer and chat template, without torch.

Standard input: one JSON object `{"tokenizer": folder}`, then one a row: `{"set": name, "where": file:line,
"texts": [...]}` where a text is a list of messages, or plain text; the longest of a row's texts counts. Standard
output: one JSON object, `problem`, a few words, or `sets`: for each its `lengths` ([tokens, rows]) and, `refused` by
the chat template, the first rows' [where, words] of `refused_count` (nowhere: the template is broken). The control
plane starts it in the `train` environment for `plan`.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tunewright.runners.chat import ChatTemplateError, conversation_tokens, is_broken

_LONGEST_PROBLEM = 200
_MOST_REFUSED = 20


class TokenizerError(ValueError):
    """The tokenizer can't be used; the message says why in a few words."""


def load(folder: str) -> Any:
    """Return the tokenizer of a model folder; raise TokenizerError. Code of the folder never runs."""
    # Importing torch takes seconds, and nothing here needs it: transformers is told that there is none.
    sys.modules["torch"] = None  # type: ignore[assignment]
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "critical", "TOKENIZERS_PARALLELISM": "false"}
    try:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever the folder's files make of the library
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise TokenizerError(f"the tokenizer can't be loaded: {first}"[:_LONGEST_PROBLEM]) from error


@dataclass
class Counted:
    """What became of the rows of one set."""

    lengths: Counter[int] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0

    def refuse(self, where: str, words: str) -> None:
        """Take a row that has no tokens."""
        self.refused_count += 1
        if len(self.refused) < _MOST_REFUSED:
            self.refused.append((where, words[:_LONGEST_PROBLEM]))

    def to_json(self) -> dict[str, Any]:
        """Return the answer for this set."""
        lengths = sorted(self.lengths.items())
        return {"lengths": lengths, "refused": self.refused, "refused_count": self.refused_count}


def count(tokenizer: Any, rows: Iterable[dict[str, Any]]) -> dict[str, Counted]:
    """Return for each set how many rows have which number of tokens, and which the template refuses."""
    sets: dict[str, Counted] = {}
    for row in rows:
        counted = sets.setdefault(row["set"], Counted())
        try:
            counted.lengths[max(_tokens(tokenizer, text) for text in row["texts"])] += 1
        except ChatTemplateError as refusal:
            # No row is to blame for a template that is no template.
            counted.refuse("" if is_broken(refusal) else row["where"], str(refusal.__cause__))
    return sets


def _tokens(tokenizer: Any, text: Any) -> int:
    if isinstance(text, str):
        return len(tokenizer(text)["input_ids"])
    return len(conversation_tokens(tokenizer, text, [])[0])


def main() -> int:
    """Read rows, print their lengths; a problem is an answer too."""
    lines = (json.loads(line) for line in sys.stdin.buffer)
    answer: dict[str, Any]
    try:
        tokenizer = load(next(lines)["tokenizer"])
        answer = {"sets": {name: counted.to_json() for name, counted in count(tokenizer, lines).items()}}
    except TokenizerError as error:
        answer = {"problem": str(error)[:_LONGEST_PROBLEM]}
    print(json.dumps(answer))  # noqa: T201 - the answer of this process
    return 0


if __name__ == "__main__":
    sys.exit(main())
