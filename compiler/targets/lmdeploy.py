"""LMDeploy: the command line of its server, and which of its two backends runs a model."""

from tunewright.compiler.facts.engines import LMDEPLOY
from tunewright.compiler.ir.resolved import ResolvedDeploy
from tunewright.compiler.targets.engine_options import engine_argv

_DEVICES = {"npu": "ascend"}


def serve_argv(deploy: ResolvedDeploy, quantization: str | None) -> tuple[str, ...]:
    """Return the command that serves a model with LMDeploy; `quantization` is the method it was exported with."""
    device = _DEVICES.get(deploy.device)
    # TurboMind is the faster backend and knows CUDA only.
    backend = ("--backend", "pytorch", "--device", device) if device else ("--backend", "turbomind")
    return (*engine_argv(LMDEPLOY, deploy, quantization), *backend)
