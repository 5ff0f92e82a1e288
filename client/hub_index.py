"""Ask a hub what a model's name means today: the commit, and the digest of every file. No weights are fetched."""

import hashlib
import json
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.hubs import HubReference, is_fetched, parse_hub_reference
from tunewright.compiler.collect.partial import facts_without_weights
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.pins import DataPin, ModelPin, data_source, shape_of
from tunewright.spec.canonical import digest_of_entries
from tunewright.spec.hub_data import CARD, HubDataError, data_files
from tunewright.spec.tree import FileEntry

_ADDRESS = "https://huggingface.co"
_TIMEOUT_SECONDS = 20.0
#: What tells the shape of a model.
_LOOKED_INTO = frozenset({"config.json", "model.safetensors.index.json", "tokenizer_config.json"})
#: Small files, which a hub does not name by this digest, are read.
_LONGEST_BYTES = 64 * 2**20


class HubIndexError(RuntimeError):
    """The hub could not tell; the message says why, in words that go after the model's name."""


def ask_hugging_face(reference: HubReference, token: str | None, endpoint: str | None = None) -> ModelPin:
    """Return what a model on Hugging Face is pinned to; raise HubIndexError.

    `endpoint`, or HF_ENDPOINT, names another address; `token` is sent there and to no other host.
    """
    hub = _Hub(token, endpoint)
    told = _json(hub.read(f"/api/models/{reference.hub_id}/revision/{_quoted(reference)}?blobs=true"))
    commit, siblings = _listed(told)
    kept = [item for item in siblings if is_fetched(item["rfilename"])]
    with tempfile.TemporaryDirectory() as folder:
        entries = _all_entries(kept, f"/{reference.hub_id}/resolve/{commit}", hub, Path(folder))
        shape = facts_without_weights(Path(folder))
    weights = sum(entry.size for entry in entries if entry.path.endswith(".safetensors"))
    parameters = (told.get("safetensors") or {}).get("total")
    if not weights or not shape.get("hidden_size"):
        raise HubIndexError("holds no model in the safetensors format")
    shape |= {"weight_bytes": weights, "num_parameters": parameters if isinstance(parameters, int) else None}
    return ModelPin(
        revision=commit,
        digest=digest_of_entries(entries),
        origin="folder",
        files={entry.path: f"sha256:{entry.sha256}" for entry in entries},
        shape=shape_of(ModelFacts(source="", origin="folder", **shape)),
    )


def ask_hugging_face_data(
    source: str, subset: str | None, split: str | None, token: str | None = None, endpoint: str | None = None
) -> DataPin:
    """Return what a data set on Hugging Face (`hf://datasets/org/name@revision`) is pinned to; raise HubIndexError."""
    reference = parse_hub_reference(source.removeprefix("hf://datasets/"))
    if reference is None:
        raise HubIndexError("names no data set; write hf://datasets/organisation/name")
    hub = _Hub(token, endpoint)
    told = _json(hub.read(f"/api/datasets/{reference.hub_id}/revision/{_quoted(reference)}?blobs=true"))
    commit, siblings = _listed(told)
    names = sorted(item["rfilename"] for item in siblings)
    at = f"/datasets/{reference.hub_id}/resolve/{commit}"
    card = hub.read(f"{at}/{CARD}").decode("utf-8", "replace") if CARD in names else ""
    try:
        chosen = set(data_files(names, card, subset, split))
    except HubDataError as error:
        raise HubIndexError(f"can't be read: {error}") from error
    entries = _all_entries([item for item in siblings if item["rfilename"] in chosen], at, hub, None)
    return DataPin(
        source=data_source([source], subset, split),
        revision=commit,
        digest=digest_of_entries(entries),
        files={entry.path: f"sha256:{entry.sha256}" for entry in entries},
    )


def is_offline() -> bool:
    """Say whether the user wants no hub to be asked."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _listed(told: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    """Return the commit and the files that a hub tells of."""
    commit, siblings = told.get("sha"), told.get("siblings")
    if not isinstance(commit, str) or not isinstance(siblings, list):
        raise HubIndexError("was answered with something that is no repository")
    if not all(isinstance(item, dict) and isinstance(item.get("rfilename"), str) for item in siblings):
        raise HubIndexError("was answered with files that have no name or digest")
    return commit, siblings


def _all_entries(siblings: list[Mapping[str, Any]], at: str, hub: "_Hub", folder: Path | None) -> list[FileEntry]:
    try:
        return list(_entries(siblings, at, hub, folder))
    except (KeyError, TypeError, AttributeError) as error:
        raise HubIndexError("was answered with files that have no name or digest") from error


def _entries(siblings: list[Mapping[str, Any]], at: str, hub: "_Hub", folder: Path | None) -> Iterator[FileEntry]:
    """Yield files by path; what of a model is read on the way is kept in `folder`."""
    for sibling in sorted(siblings, key=lambda item: str(item["rfilename"])):
        name = sibling["rfilename"]
        stored = sibling.get("lfs") or {}
        if stored.get("sha256") and name not in _LOOKED_INTO:
            yield FileEntry(name, int(stored["size"]), str(stored["sha256"]))
            continue
        content = hub.read(f"{at}/{urllib.parse.quote(name)}")
        if folder is not None:
            (folder / name).write_bytes(content)
        yield FileEntry(name, len(content), hashlib.sha256(content).hexdigest())


class _Hub:
    """One address, one token."""

    def __init__(self, token: str | None, endpoint: str | None) -> None:
        self._address = (endpoint or os.environ.get("HF_ENDPOINT") or _ADDRESS).rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_SameHost())

    def read(self, path: str) -> bytes:
        if not self._address.startswith(("https://", "http://")):
            raise HubIndexError(f"can't be looked up: HF_ENDPOINT is no web address: {self._address}")
        request = urllib.request.Request(f"{self._address}{path}")  # noqa: S310 - the scheme is looked at above
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                content: bytes = answer.read(_LONGEST_BYTES + 1)
        except urllib.error.HTTPError as error:
            raise HubIndexError(_refusal(error.code, self._token)) from error
        except (OSError, ValueError) as error:
            raise HubIndexError(f"can't be looked up: {getattr(error, 'reason', error)}") from error
        if len(content) > _LONGEST_BYTES:
            raise HubIndexError(f"has a file that is too long to be read: {path}")
        return content


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a hub to its stores; the token, which urllib sends with the first request only, goes on to the same host
    alone.
    """

    def redirect_request(  # noqa: PLR0913 - the library's own signature
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if following is not None and token and (following.type, following.host) == (req.type, req.host):
            following.add_unredirected_header("Authorization", token)
        return following


def _refusal(code: int, token: str | None) -> str:
    if code in (401, 403):
        return (
            "is refused by the hub" + (" with this token" if token else "; it may ask for a token (`base.token`)")
        ) + f" (HTTP {code})"
    return "is not there, or not in this revision" if code == 404 else f"can't be looked up: HTTP {code}"


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(content)
    except ValueError as error:
        raise HubIndexError("was answered with something that is no JSON") from error
    if not isinstance(told, dict):
        raise HubIndexError("was answered with something that is no model")
    return told


def _quoted(reference: HubReference) -> str:
    return urllib.parse.quote(reference.revision or "main", safe="")
