"""THE table of diagnostic codes. A code is never reused; a name says the bad thing and reads after "allow".

Families: 0 syntax, 1 shape, 2 references and data, 3 training and parallelism, 4 evaluation and gates, 5 export, 6
serving, 7 governance,
8 environment and runners, 9 internal.
"""

from enum import StrEnum

from tunewright.spec.record import record


class Severity(StrEnum):
    """How bad a finding is. Errors can't be silenced; warnings can, with a recorded reason."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@record
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
    ("TW2010", "missing-file", _E),
    ("TW2011", "unusable-rows", _E),
    ("TW2012", "unfit-data", _E),
    ("TW2013", "unrecognised-rows", _E),
    ("TW2014", "empty-data", _E),
    ("TW2015", "too-few-rows", _W),
    ("TW2016", "unplaced-source", _E),
    ("TW2017", "unusable-model", _E),
    ("TW2018", "unknown-model", _W),
    ("TW2019", "unpinned-model", _W),
    ("TW2020", "missing-chat-template", _E),
    ("TW2021", "unused-declaration", _W),
    ("TW2022", "unknown-suite", _E),
    ("TW2023", "learned-questions", _W),
    ("TW2024", "idle-evaluation-share", _E),
    ("TW2025", "lopsided-labels", _W),
    ("TW2026", "truncated-rows", _W),
    ("TW2027", "unlearned-stop", _W),
    ("TW2028", "unread-property", _E),
    ("TW2029", "mixed-rows", _E),
    ("TW2030", "unknown-label", _E),
    ("TW2031", "unlearned-label", _W),
    ("TW2060", "unseen-images", _E),
    ("TW2061", "unknown-plug-in", _E),
    ("TW2062", "unusable-family", _E),
    ("TW2063", "missing-end-token", _E),
    ("TW2064", "refused-rows", _E),
    ("TW2065", "nearly-learned-questions", _W),
    ("TW2066", "harmful-template", _E),
    # 3 training and parallelism
    ("TW3001", "unknown-target-module", _E),
    ("TW3002", "excessive-length", _E),
    ("TW3003", "adapter-setting-without-adapter", _E),
    ("TW3004", "trained-quantized-weights", _E),
    ("TW3005", "full-tuning-after-qlora", _E),
    ("TW3006", "reshaped-adapter", _E),
    ("TW3007", "sharded-quantized-weights", _E),
    ("TW3008", "half-precision-full-tuning", _E),
    ("TW3009", "unsupported-precision", _E),
    ("TW3010", "indivisible-heads", _E),
    ("TW3011", "indivisible-layers", _E),
    ("TW3012", "indivisible-experts", _E),
    ("TW3013", "indivisible-processes", _E),
    ("TW3014", "model-parallelism-without-megatron", _E),
    ("TW3015", "sequence-parallelism-alone", _E),
    ("TW3016", "offload-without-shards", _E),
    ("TW3017", "excess-processes", _E),
    ("TW3018", "insufficient-memory", _E),
    ("TW3019", "method-without-megatron", _E),
    ("TW3020", "packed-preferences", _E),
    ("TW3021", "contaminating-packing", _E),
    ("TW3022", "setting-of-another-method", _E),
    ("TW3023", "unavailable-attention", _E),
    ("TW3025", "lonely-kto-row", _E),
    ("TW3026", "unavailable-optimizer", _E),
    ("TW3027", "insufficient-disk", _E),
    ("TW3028", "unfit-megatron-layout", _E),
    ("TW3029", "requantized-base", _E),
    ("TW3030", "implausible-learning-rate", _W),
    ("TW3031", "unlearned-experts", _W),
    ("TW3032", "insufficient-host-memory", _E),
    ("TW3033", "gathered-experts", _W),
    ("TW3034", "idle-accelerators", _W),
    ("TW3035", "packed-recurrence", _E),
    ("TW3037", "unreached-lowest-rate", _E),
    ("TW3038", "setting-beyond-megatron", _E),
    ("TW3040", "value-of-another-method", _E),
    ("TW3041", "unsmoothed-robust-loss", _E),
    ("TW3042", "replies-in-plain-text", _E),
    ("TW3043", "scores-as-text", _E),
    ("TW3044", "unheeded-smoothing", _E),
    ("TW3046", "divided-group", _E),
    ("TW3047", "unpaid-replies", _E),
    ("TW3048", "malformed-reward", _E),
    ("TW3049", "missing-reward-column", _E),
    ("TW3050", "unfit-reward-model", _E),
    ("TW3051", "room-for-no-prompt", _E),
    ("TW3052", "misplaced-reference", _E),
    ("TW3053", "idle-clip", _W),
    ("TW3054", "checkpoint-between-replies", _W),
    ("TW3055", "foreign-vocabulary", _E),
    ("TW3056", "unfit-teacher", _E),
    ("TW3057", "reference-without-adapter", _E),
    ("TW3058", "divided-rows", _E),
    ("TW3060", "unfit-kernels", _E),
    ("TW3061", "undividable-sequences", _E),
    ("TW3062", "unfit-replicas", _E),
    ("TW3063", "unplaced-offload", _E),
    ("TW3064", "insufficient-scratch", _E),
    ("TW3070", "unreachable-rollback", _E),
    ("TW3071", "endless-warm-up", _E),
    ("TW3072", "unheeded-watch", _W),
    ("TW3075", "unrepeatable-feature", _E),
    ("TW3076", "unbound-repetition", _E),
    ("TW3080", "undividable-tuner", _E),
    ("TW3081", "unfit-tuner-method", _E),
    ("TW3082", "nothing-chosen-to-learn", _E),
    ("TW3083", "unknown-block", _E),
    ("TW3084", "setting-against-tuner", _E),
    ("TW3085", "unusable-adapter", _E),
    ("TW3090", "malformed-labels", _E),
    ("TW3091", "relabelled-model", _E),
    ("TW3092", "adapter-below-another-head", _E),
    ("TW3093", "lonely-pair", _E),
    # 4 evaluation and gates
    ("TW4001", "malformed-requirement", _E),
    ("TW4002", "unmeasured-metric", _E),
    ("TW4003", "constant-requirement", _E),
    ("TW4004", "unreachable-requirement", _E),
    ("TW4005", "incomplete-suite", _E),
    ("TW4006", "unknown-benchmark", _E),
    ("TW4007", "incomplete-metric", _E),
    ("TW4008", "unresolvable-margin", _W),
    ("TW4009", "setting-of-another-metric", _E),
    ("TW4010", "exam-without-learned-system-prompt", _W),
    ("TW4011", "benchmark-without-data", _W),
    ("TW4012", "unfit-suite", _E),
    ("TW4013", "setting-of-another-model", _E),
    # 5 export
    ("TW5001", "double-quantization", _E),
    ("TW5002", "unmerged-quantization", _E),
    ("TW5003", "indivisible-groups", _E),
    ("TW5004", "unsupported-bits", _E),
    ("TW5005", "missing-calibration", _E),
    ("TW5006", "group-size-without-groups", _E),
    ("TW5007", "idle-export", _E),
    ("TW5008", "merge-into-quantized-weights", _E),
    ("TW5009", "scarce-calibration", _W),
    ("TW5010", "setting-of-writing-models", _E),
    # 6 serving
    ("TW6001", "public-address", _E),
    ("TW6003", "shared-port", _E),
    ("TW6004", "unservable-format", _E),
    ("TW6005", "excessive-served-length", _E),
    ("TW6006", "short-served-length", _W),
    ("TW6007", "indivisible-served-heads", _E),
    ("TW6008", "excess-replicas", _E),
    ("TW6009", "unfinished-canary", _E),
    ("TW6010", "inverted-range", _E),
    ("TW6011", "unmeasured-release", _W),
    ("TW6012", "engine-without-accelerator", _E),
    ("TW6013", "insufficient-serving-memory", _E),
    ("TW6014", "service-without-learned-system-prompt", _W),
    ("TW6015", "unservable-adapter", _E),
    ("TW6016", "format-beyond-accelerator", _E),
    ("TW6017", "unservable-family", _E),
    ("TW6018", "contradictory-supervision", _E),
    # 7 governance
    ("TW7001", "undeclared-remote-code", _E),
    ("TW7002", "remote-code", _W),
    ("TW7003", "allowed-error", _E),
    ("TW7004", "unknown-allowed-code", _E),
    ("TW7005", "lone-approver", _W),
    ("TW7006", "malformed-schedule", _E),
    ("TW7007", "sleeping-trigger", _W),
    ("TW7101", "forbidden-remote-code", _E),
    ("TW7102", "forbidden-unpinned-source", _E),
    ("TW7103", "forbidden-hub", _E),
    ("TW7104", "forbidden-engine", _E),
    ("TW7105", "forbidden-benchmark", _E),
    ("TW7106", "forbidden-quantization", _E),
    ("TW7107", "insufficient-approvers", _E),
    ("TW7108", "unapproved-deployment", _E),
    ("TW7109", "ungated-deployment", _E),
    ("TW7110", "unraisable-code", _E),
    ("TW7201", "drifted-model", _E),
    ("TW7202", "drifted-rows", _E),
    ("TW7203", "drifted-file", _E),
    ("TW7204", "drifted-decision", _E),
    ("TW7205", "unreadable-lock", _E),
    ("TW7301", "malformed-alert", _E),
    ("TW7302", "malformed-condition", _E),
    ("TW7303", "unknown-figure", _E),
    ("TW7304", "unknown-sink", _E),
    ("TW7305", "unverified-sink", _W),
    ("TW7306", "unheard-gate", _W),
    ("TW7307", "idle-alert", _W),
    # 8 environment and runners
    ("TW8001", "unknown-accelerator", _E),
    ("TW8003", "unknown-secret", _W),
    ("TW8201", "drifted-environment", _E),
    ("TW8202", "drifted-compiler", _E),
    # 9 internal
    ("TW9001", "internal-error", _E),
)
