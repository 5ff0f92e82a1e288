"""What a runner inherits from the machine: a short list, never the daemon's whole environment (it may hold secrets)."""

import os
from collections.abc import Mapping

from tunewright.runners.contract import StepFile

#: Names that pass through. The last rows point to caches, certificates and proxies: without them a runner can't fetch.
ALLOWED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "MODELSCOPE_CACHE", "XDG_CACHE_HOME",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
})  # fmt: skip
ALLOWED_PREFIXES = ("ASCEND_",)

#: Set for every runner: nothing that Tunewright starts reports home.
ALWAYS = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}

BUNDLE_NAME, MARKER_NAME = "TUNEWRIGHT_BUNDLE", "TW_ATTEMPT"


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that passes through."""
    return {name: value for name, value in environment.items() if name in ALLOWED or name.startswith(ALLOWED_PREFIXES)}


def runner_environment(
    inherited: Mapping[str, str], own: Mapping[str, str], marks: Mapping[str, str]
) -> dict[str, str]:
    """Return a runner's environment: the allowed part, then the step's own, then the marks, which nothing overrides."""
    return {**allowed(inherited), **ALWAYS, **own, **marks}


def mark_of(bundle: str) -> dict[str, str]:
    """Return the variable that every process of an attempt carries, its supervisor too, whatever session it moved to.

    It needs nothing that lies in the bundle: processes are found by it even when somebody has removed the folder.
    """
    return {BUNDLE_NAME: os.path.realpath(bundle)}


def marks_of(bundle: str, step: StepFile) -> dict[str, str]:
    """Return the variables that every process of the work carries: those of its bundle, and its name for people."""
    return {**mark_of(bundle), MARKER_NAME: f"{step.run}/{step.step}/{step.attempt}"}


def as_entries(marks: Mapping[str, str]) -> frozenset[bytes]:
    """Return the marks as they stand in /proc/PID/environ."""
    return frozenset(os.fsencode(f"{name}={value}") for name, value in marks.items())
