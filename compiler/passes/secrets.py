"""References to what must not stand in a spec, `${secret:NAME}`, and to what changes from place to place,
`${env:NAME}`.
"""

import re

#: Keys whose value is a secret, wherever they stand.
SECRET_KEYS = frozenset({"api_key", "token", "password", "secret", "webhook"})

REFERENCE = re.compile(r"\$\{(secret|env):([A-Za-z_][A-Za-z0-9_]{0,63})\}")
VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]{0,63})\}")
ANY_REFERENCE = re.compile(r"\$\{[^}]*\}?")


def secret_name(text: str | None) -> str | None:
    """Return NAME of a text that is exactly `${secret:NAME}`, else None."""
    match = REFERENCE.fullmatch(text) if text else None
    return match.group(2) if match and match.group(1) == "secret" else None


def variable_names(*texts: str) -> frozenset[str]:
    """Return the names of all variables that texts mention."""
    return frozenset(name for text in texts for name in VARIABLE.findall(text))
