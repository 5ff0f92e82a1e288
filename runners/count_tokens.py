"""Count the tokens of rows as training would: the model's own tokenizer and chat template, without torch.

Standard input: one JSON object `{"tokenizer": folder}`, then one a row: `{"set": name, "texts": [...]}` where a text is
a list of messages, or plain text; the longest of a row's texts counts. Standard output: one JSON object, `lengths` (set
-> tokens -> rows) or `problem`, a few words. The control plane starts it in the `train` environment for `plan`.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tunewright.runners.chat import ChatTemplateError, conversation_tokens

_LONGEST_PROBLEM = 200


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


def count(tokenizer: Any, rows: Iterable[dict[str, Any]]) -> dict[str, Counter[int]]:
    """Return for each set how many rows have which number of tokens; raise ChatTemplateError."""
    lengths: dict[str, Counter[int]] = {}
    for row in rows:
        tokens = max(_tokens(tokenizer, text) for text in row["texts"])
        lengths.setdefault(row["set"], Counter())[tokens] += 1
    return lengths


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
        answer = {"lengths": count(tokenizer, lines)}
    except (TokenizerError, ChatTemplateError) as error:
        answer = {"problem": str(error)[:_LONGEST_PROBLEM]}
    print(json.dumps(answer))  # noqa: T201 - the answer of this process
    return 0


if __name__ == "__main__":
    sys.exit(main())
