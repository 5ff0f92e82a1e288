"""vLLM: the command line of its server."""

from tunewright.compiler.facts.engines import VLLM
from tunewright.compiler.ir.resolved import ResolvedDeploy
from tunewright.compiler.targets.engine_options import engine_argv


def serve_argv(deploy: ResolvedDeploy, quantization: str | None) -> tuple[str, ...]:
    """Return the command that serves a model with vLLM; `quantization` is the method it was exported with."""
    return engine_argv(VLLM, deploy, quantization)
