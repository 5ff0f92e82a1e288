"""Download a model by name through the hubs' own libraries."""

import glob
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError

#: What makes the model; folders inside hold other formats of the same weights.
PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")
_NOT_IN = "*/*"


def download(
    source: str,
    cache: Path,
    token: str | None = None,
    *,
    revision: str | None = None,
    names: Collection[str] = (),
) -> Path:
    """Return the local snapshot of `hf://org/name@revision` or `ms://org/name@revision`; raise StepFailedError.

    `token` is the access token of the hub, None for what is open to all. `revision` goes before the one that is written
    in the source, `names` are the files to fetch instead of all that make a model.
    """
    scheme, _, rest = source.partition("://")
    name, _, written = rest.partition("@")
    revision = revision or written or None
    patterns = [glob.escape(item) for item in sorted(names)] or list(PATTERNS)
    match scheme:
        case "hf":
            return _from_hugging_face(name, revision, cache, token, patterns)
        case "ms":
            return _from_modelscope(name, revision, cache, token, patterns)
        case _:
            raise StepFailedError(
                f"`{source}` names no hub that this runner knows",
                reason="SOURCE_UNKNOWN",
                help="write hf://org/name@revision or ms://org/name@revision",
                code=ExitCode.IMPOSSIBLE,
            )


def _from_hugging_face(name: str, revision: str | None, cache: Path, token: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        # False, not None: without a token of the spec's none is taken from the user's own files.
        found = snapshot_download(
            name,
            revision=revision,
            cache_dir=cache,
            allow_patterns=patterns,
            ignore_patterns=_NOT_IN,
            token=token or False,
        )
        return Path(found)
    except GatedRepoError as error:
        raise _denied(name, "asks for acceptance of its terms and an access token") from error
    except RepositoryNotFoundError as error:
        raise _denied(name, "does not exist there or is private") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise _unreachable("Hugging Face", name, error) from error


def _from_modelscope(name: str, revision: str | None, cache: Path, token: str | None, patterns: list[str]) -> Path:
    try:
        from modelscope import snapshot_download
    except ImportError as error:
        raise StepFailedError(
            "the environment has no `modelscope` package, which ms:// sources need",
            reason="PACKAGE_MISSING",
            help="register an interpreter that has it: tunewright env use train --python PATH",
            code=ExitCode.UNAVAILABLE,
        ) from error
    wanted: dict[str, Any] = {"allow_patterns": patterns, "ignore_patterns": _NOT_IN}
    if revision:
        wanted["revision"] = revision
    if token:
        wanted["token"] = token
    try:
        return Path(snapshot_download(name, cache_dir=str(cache), **wanted))
    except Exception as error:  # the library raises plain exceptions of many kinds for one thing: it did not arrive
        raise _unreachable("ModelScope", name, error) from error


def _denied(name: str, why: str) -> StepFailedError:
    return StepFailedError(
        f"{name} {why}", reason="MODEL_DENIED", help="check the name, the revision and the access token"
    )


def _unreachable(hub: str, name: str, error: Exception) -> StepFailedError:
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    return StepFailedError(
        f"{name} could not be fetched from {hub}: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
        reason="HUB_UNREACHABLE",
        help="HF_HUB_OFFLINE is set: unset it, or use a local model (`dir:` or `gguf:`)"
        if offline
        else "check the network, or use a local model (`dir:` or `gguf:`)",
        code=ExitCode.UNAVAILABLE if offline else ExitCode.TEMPORARY,
    )
