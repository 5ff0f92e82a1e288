"""The command line of a serving engine: our runner's command, then the engine's own options after `--`.

The runner adds the model's folder, waits until the engine answers, and hands a key over without an argument.
"""

from tunewright.compiler.facts.engines import Engine
from tunewright.compiler.ir.resolved import ResolvedDeploy

#: Requests worked on at once: fewer of them are each answered sooner.
MOST_REQUESTS = 256
MOST_REQUESTS_WITH_LATENCY = 64


def engine_argv(engine: Engine, deploy: ResolvedDeploy, quantization: str | None) -> tuple[str, ...]:
    """Return the whole command that serves a model quantised by `quantization` (None: not) with an engine."""
    runner = ("{python}", "-P", "-m", f"tunewright.runners.serve_{engine.name}", "run", "{bundle}", "--")
    options = [part for word, value in _values(engine, deploy, quantization) for part in (engine.options[word], value)]
    return (*runner, *options, *_switches(engine))


def _values(engine: Engine, deploy: ResolvedDeploy, quantization: str | None) -> list[tuple[str, str]]:
    latency = deploy.p95_latency_seconds
    values = [
        ("host", deploy.host),
        ("port", str(deploy.port)),
        ("served_model_name", deploy.served_model_name),
        ("max_model_len", str(deploy.max_model_len)),
        ("tensor_parallel", str(deploy.tensor_parallel)),
        ("gpu_memory_share", f"{deploy.gpu_memory_share:g}"),
        ("precision", engine.precisions.get(deploy.precision, "auto")),
        ("max_requests", str(MOST_REQUESTS if latency is None else MOST_REQUESTS_WITH_LATENCY)),
    ]
    if quantization is not None and quantization in engine.formats:
        values.append(("quantization", engine.formats[quantization]))
    return values


def _switches(engine: Engine) -> tuple[str, ...]:
    # SGLang shares prefixes unless told not to.
    return (engine.options["prefix_caching"],) if "prefix_caching" in engine.options else ()
