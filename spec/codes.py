"""THE table of diagnostic codes. A code is never reused; a name says the bad thing and reads after "allow".

Families: 0 syntax, 1 shape, 2 references and data, 3 training and parallelism, 4 evaluation and gates, 5 export, 6 serving, 7 governance,
8 environment and runners, 9 internal.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is. Errors can't be silenced; warnings can, with a recorded reason."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table."""

    code: str
    name: str
    severity: Severity
    since: str = "0.1.0"


def _table(*rows: tuple[str, str, Severity]) -> dict[str, Code]:
    table: dict[str, Code] = {}
    for code, name, severity in rows:
        if code in table:
            raise ValueError(f"code {code} is in the table twice")
        table[code] = Code(code, name, severity)
    return table


_E, _W = Severity.ERROR, Severity.WARNING

CODES = _table(
    # 0 syntax
    ("TW0001", "invalid-yaml", _E),
    ("TW0002", "duplicate-key", _E),
    ("TW0003", "oversized-spec", _E),
    ("TW0004", "alias-bomb", _E),
    ("TW0005", "excessive-nesting", _E),
    ("TW0006", "explicit-tag", _E),
    ("TW0007", "merge-key", _E),
    ("TW0008", "several-documents", _E),
    ("TW0009", "non-text-key", _E),
    ("TW0010", "undecodable-text", _E),
    ("TW0011", "invisible-character", _E),
    ("TW0012", "empty-spec", _E),
    # 1 shape
    ("TW1001", "missing-key", _E),
    ("TW1002", "wrong-type", _E),
    ("TW1003", "unknown-key", _E),
    ("TW1004", "unknown-value", _E),
    ("TW1005", "out-of-range", _E),
    ("TW1006", "invalid-name", _E),
    ("TW1007", "unsupported-api-version", _E),
    ("TW1008", "step-without-verb", _E),
    ("TW1009", "malformed-value", _E),
    ("TW1010", "renamed-key", _E),
    ("TW1011", "misplaced-key", _E),
    ("TW1012", "boolean-word", _E),
    ("TW1013", "conflicting-keys", _E),
    ("TW1014", "unknown-profile", _E),
    ("TW1015", "invalid-override", _E),
    ("TW1016", "literal-secret", _E),
    ("TW1017", "malformed-reference", _E),
    ("TW1018", "unset-variable", _E),
    # 2 references and data
    ("TW2001", "unknown-reference", _E),
    ("TW2002", "circular-steps", _E),
    ("TW2003", "step-without-model", _E),
    ("TW2005", "repeated-data", _E),
    # 9 internal
    ("TW9001", "internal-error", _E),
)
