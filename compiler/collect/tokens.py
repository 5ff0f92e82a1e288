"""Count the tokens of training rows with the model's real tokenizer, in a process of the `train` environment.

Only `plan` asks for it, because it takes seconds; what was counted is remembered by the digests of rows and tokenizer.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.samples import sample_rows
from tunewright.compiler.collect.tokenizers import NoTokenizerError, tokenizer_digest, tokenizer_folder
from tunewright.compiler.ir.facts import DataFacts, ModelFacts
from tunewright.compiler.ir.tokens import TokenFacts
from tunewright.spec.canonical import digest_of
from tunewright.spec.columns import renamed
from tunewright.spec.formats import DataError, normal_row
from tunewright.spec.record import record

#: Raise it when counting begins to find other lengths: what older versions remembered is then not used.
_COUNT = "2"
_MODULE = "tunewright.runners.count_tokens"
MOST_ROWS = 2000
_MOST_CHARACTERS = 24_000_000
_PATIENCE_SECONDS = 300
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")


@record(kw_only=True)
class TokenRequest:
    """Rows of a data set as one training step reads them: at most the first `limit`, with the system prompt added.

    `columns`, `replace` and `prompt_template` are those of the data set.
    """

    facts: DataFacts
    format: str
    columns: Mapping[str, str] | None = None
    replace: Mapping[str, str] | None = None
    prompt_template: str | None = None
    limit: int | None = None
    system_prompt: str | None = None

    @property
    def rows(self) -> int:
        """How many rows there are to learn from."""
        return min(self.facts.rows, self.limit or self.facts.rows)

    @property
    def sample(self) -> int:
        """How many of them are looked at: fewer when they are very long."""
        mean = max(1, self.facts.total_characters // max(1, self.facts.rows))
        return max(1, min(self.rows, MOST_ROWS, _MOST_CHARACTERS // mean))


@record(kw_only=True)
class Counting:
    """What counting needs of this machine: the interpreter, the cache of converted models, where relative paths start.

    `report` is told when it takes time. `python` is None where the `train` environment is not installed.
    """

    python: Path | None
    converted: Path
    base_directory: Path
    cache: FactCache | None
    report: Callable[[str], None] = lambda _: None


class _CountError(ValueError):
    """Nothing was counted; the message says why in a few words."""


def collect_tokens(
    model: ModelFacts, requests: Mapping[str, TokenRequest], counting: Counting
) -> dict[str, TokenFacts]:
    """Return the lengths of the rows of data sets by name. Nothing raises: what can't be known says so."""
    try:
        folder = tokenizer_folder(model, counting.base_directory, counting.converted)
        tokenizer = tokenizer_digest(folder, cache=counting.cache)
    except (NoTokenizerError, OSError) as error:
        return _unknown(requests, str(error))
    keys = {name: _key(request, tokenizer) for name, request in requests.items()}
    found = {name: known for name, key in keys.items() if (known := _recalled(counting.cache, key)) is not None}
    missing = {name: request for name, request in requests.items() if name not in found}
    if missing:
        try:
            fresh = _counted(folder, missing, counting)
        except _CountError as error:
            return found | _unknown(missing, str(error))
        for name, facts in fresh.items():
            if counting.cache is not None:
                counting.cache.put("tokens", keys[name], None, _remembered(facts))
        found |= fresh
    return {name: found[name] for name in requests}


def _unknown(requests: Mapping[str, TokenRequest], reason: str) -> dict[str, TokenFacts]:
    return {name: TokenFacts(rows=request.rows, unknown=reason) for name, request in requests.items()}


def _key(request: TokenRequest, tokenizer: str) -> str:
    """Return what decides the lengths; the sample follows from the rows' digest, so their own seed is that."""
    read = [
        request.columns and dict(request.columns),
        request.replace and dict(request.replace),
        request.prompt_template,
    ]
    return digest_of(
        [
            _COUNT,
            request.facts.digest,
            request.format,
            request.rows,
            request.sample,
            request.system_prompt,
            tokenizer,
            *(read if any(read) else ()),
        ]
    )


def _recalled(cache: FactCache | None, key: str) -> TokenFacts | None:
    value = cache.get("tokens", key, None) if cache is not None else None
    try:
        return None if value is None else _facts(value, value["rows"])
    except (KeyError, TypeError, ValueError):  # written by something else
        return None


def _remembered(facts: TokenFacts) -> dict[str, Any]:
    kept: dict[str, Any] = {"lengths": facts.lengths, "rows": facts.rows}
    return kept | {"refused": facts.refused, "refused_count": facts.refused_count}


def _facts(counted: Mapping[str, Any], rows: int) -> TokenFacts:
    return TokenFacts(
        lengths=tuple(sorted((int(length), int(times)) for length, times in counted["lengths"])),
        rows=int(rows),
        refused=tuple((str(where), str(words)) for where, words in counted["refused"]),
        refused_count=int(counted["refused_count"]),
    )


def _counted(folder: Path, requests: Mapping[str, TokenRequest], counting: Counting) -> dict[str, TokenFacts]:
    if counting.python is None:
        raise _CountError("the `train` environment is not installed (`tunewright env sync train`)")
    try:
        with tempfile.TemporaryFile() as stream:
            stream.write(json.dumps({"tokenizer": str(folder.absolute())}).encode() + b"\n")
            for line in _lines(requests):
                stream.write(line)
            stream.seek(0)
            counting.report("counting tokens (once for these rows and this tokenizer) ...")
            answer = _ask(counting.python, stream)
    except (OSError, DataError, subprocess.SubprocessError, ValueError) as error:
        raise _CountError(f"the rows could not be tokenized: {error}") from error
    if "problem" in answer:
        raise _CountError(str(answer["problem"]))
    sets: Mapping[str, Mapping[str, Any]] = answer["sets"]
    return {name: _facts(sets[name], request.rows) for name, request in requests.items()}


def _ask(python: Path, stream: Any) -> dict[str, Any]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [python, "-P", "-m", _MODULE],
        stdin=stream,
        capture_output=True,
        env=environment,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise ValueError(" ".join(last)[:200] or f"the tokenizer's process ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _lines(requests: Mapping[str, TokenRequest]) -> Iterator[bytes]:
    for name, request in requests.items():
        paths = [Path(file.path) for file in request.facts.files if file.path]
        written = {file.path: file.written.removeprefix("file:") for file in request.facts.files}
        for path, line, row in sample_rows(paths, request.rows, request.sample, request.facts.digest or ""):
            texts = texts_of(
                renamed(row, request.columns, request.replace),
                request.format,
                request.system_prompt,
                request.prompt_template,
            )
            where = f"{written[str(path)]}:{line}"
            yield json.dumps({"set": name, "where": where, "texts": texts}).encode() + b"\n"


def texts_of(
    row: Mapping[str, Any], form: str, system_prompt: str | None, prompt_template: str | None = None
) -> list[Any]:
    """Return what a trainer makes of a row, before the template: one conversation or text, or two to choose from."""
    normal = normal_row(row, form, prompt_template)
    if "text" in normal:
        return [normal["text"]]
    if "anchor" in normal:
        return list(normal.values())
    prompt = normal["prompt"]
    if isinstance(prompt, str):
        return [prompt + normal["completion"]]
    if system_prompt and not (prompt and prompt[0]["role"] == "system"):
        prompt = [{"role": "system", "content": system_prompt}, *prompt]
    replies = [normal[key] for key in ("completion", "chosen", "rejected") if key in normal]
    return [[*prompt, *reply] for reply in replies] or [prompt]
