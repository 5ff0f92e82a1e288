"""Find hub models in the caches that hub libraries keep on this machine. Nothing is fetched here."""

import os
import re
from pathlib import Path

from tunewright.spec.record import record

#: What of a hub's folder makes the model: other formats of the weights, code and pages about it are not fetched.
FETCHED_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken")

_REFERENCE = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+(?:/[\w.-]+)*))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@record
class HubReference:
    """A model on a hub: `org/name` and the branch, tag or commit that was asked for."""

    hub_id: str
    revision: str | None


def is_fetched(name: str) -> bool:
    """Say whether a file of a hub's folder, by its path in it, is part of the model that a run fetches."""
    return "/" not in name and name.endswith(FETCHED_SUFFIXES)


def parse_hub_reference(text: str) -> HubReference | None:
    """Read `org/name` or `org/name@revision`; None when it is neither."""
    match = _REFERENCE.fullmatch(text)
    if match is None or ".." in text:
        return None
    return HubReference(match["id"], match["revision"])


def hugging_face_snapshot(reference: HubReference) -> tuple[Path, str] | None:
    """Return folder and commit of a model in the local Hugging Face cache, or None."""
    root = _hugging_face_root() / f"models--{reference.hub_id.replace('/', '--')}"
    revision = reference.revision or "main"
    try:
        commit = revision if _COMMIT.fullmatch(revision) else (root / "refs" / revision).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    folder = root / "snapshots" / commit
    return (folder, commit) if _COMMIT.fullmatch(commit) and folder.is_dir() else None


def model_scope_folder(reference: HubReference) -> Path | None:
    """Return the folder of a model in the local ModelScope cache, or None; that cache does not record commits."""
    root = Path(os.environ.get("MODELSCOPE_CACHE") or Path("~/.cache/modelscope/hub").expanduser())
    # ModelScope writes `.` of a name as `___`.
    organisation, name = reference.hub_id.split("/")
    for part in ("models", "hub/models", "hub", ""):
        for spelling in (name, name.replace(".", "___")):
            folder = root / part / organisation / spelling
            if (folder / "config.json").is_file():
                return folder
    return None


def _hugging_face_root() -> Path:
    """Return the folder of the cache as huggingface_hub finds it, an older name of its variable included."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if hub := os.environ.get(variable):
            return Path(hub).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{caches}/huggingface").expanduser() / "hub"
