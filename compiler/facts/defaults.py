"""The compiler's defaults, as data. A change here changes plans: raise DEFAULTS_VERSION with it.

What belongs to one training method or tuner stands with it in spec/methods.py and spec/tuners.py.
"""

DEFAULTS_VERSION = 1

SEED = 42
DETERMINISM = "recorded"

TUNER = "lora"
RANK = 16
ALPHA_PER_RANK = 2.0
MICRO_BATCH = 4
GLOBAL_BATCH = 16
MAX_LENGTH = 1024

MAX_NEW_TOKENS = 128
EVALUATION_BATCH = 8

PORT = 8000
SERVED_LENGTH = 4096
GPU_MEMORY_SHARE = 0.9
GROUP_SIZE = 128
BITS = {"bnb": 4, "gptq": 4, "awq": 4, "fp8": 8}

#: verb -> (seconds without any event after which a step counts as hung, seconds from SIGTERM to SIGKILL)
STALL_AND_GRACE = {
    "fetch": (1800.0, 10.0), "prepare": (1800.0, 10.0), "train": (3600.0, 60.0), "evaluate": (1800.0, 10.0),
    "export": (3600.0, 10.0), "deploy": (120.0, 30.0),
}  # fmt: skip
RETRIES = 1

#: How a service is kept alive: what it is -> (spec path below `deploy`, what is taken where nothing is written).
SUPERVISION = {
    "interval_seconds": ("health.interval", 10.0), "timeout_seconds": ("health.timeout", 5.0),
    "failures": ("health.failures", 3), "restarts": ("restart.limit", 5), "pause_seconds": ("restart.pause", 1.0),
    "stable_seconds": ("restart.stable", 300.0), "drain_seconds": ("drain", 30.0),
}  # fmt: skip

#: What a byte of a data file takes while its rows are held beside their tokens, as Python's objects: about 5 of text,
#: and 20 of two lists of numbers, four characters to a token.
HELD_PER_BYTE = 25
