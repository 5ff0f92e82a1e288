"""References to what must not stand in a spec: `${secret:NAME}` and `${env:NAME}`."""

import re

REFERENCE = re.compile(r"\$\{(secret|env):([A-Za-z_][A-Za-z0-9_]{0,63})\}")
ANY_REFERENCE = re.compile(r"\$\{[^}]*\}?")


def secret_name(text: str | None) -> str | None:
    """Return NAME of a text that is exactly `${secret:NAME}`, else None."""
    match = REFERENCE.fullmatch(text) if text else None
    return match.group(2) if match and match.group(1) == "secret" else None
