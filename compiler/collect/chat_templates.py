"""Find out whether a model's chat template does what no template may: it is tried once, and that is remembered."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from tunewright.compiler.collect.cache import FactCache
from tunewright.spec.template_trial import VERSION, find_hazard


def template_hazard(templates: Iterable[str], cache: FactCache | None) -> str | None:
    """Return what the first harmful one of these templates does; None where all are harmless."""
    return next((hazard for text in templates if (hazard := _tried(text, cache)) is not None), None)


@lru_cache(maxsize=64)
def _tried_here(template: str) -> str | None:
    """Once for each process, where there is no cache or it can't be written."""
    return find_hazard(template)


def _tried(template: str, cache: FactCache | None) -> str | None:
    digest = hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()
    known = cache.get("chat-templates", digest, VERSION) if cache is not None else None
    if known is None:
        known = {"hazard": _tried_here(template)}
        if cache is not None:
            cache.put("chat-templates", digest, VERSION, known)
    hazard: str | None = known["hazard"]
    return hazard
