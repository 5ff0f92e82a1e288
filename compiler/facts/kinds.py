"""The kinds of work a plan can name, and who does each: the compiler's half of the runners' manifests.

`version` is raised when a runner comes to produce something else from the same parameters: results made before are then
not reused.
"""

from tunewright.spec.record import record


@record
class Kind:
    """A kind of step: the runner's module, the environment it runs in, the version of what it does."""

    module: str
    environment: str
    version: int = 1


KINDS = {
    "fetch.model": Kind("tunewright.runners.fetch_model", "train"),
    "prepare.data": Kind("tunewright.runners.prepare_data", "train"),
    "fetch.data": Kind("tunewright.runners.fetch_data", "train"),
    "prepare.tokens": Kind("tunewright.runners.prepare_tokens", "train"),
    "train.trl": Kind("tunewright.runners.train_trl", "train", version=3),
    "train.megatron": Kind("tunewright.runners.train_megatron", "megatron"),
    "evaluate.suites": Kind("tunewright.runners.evaluate_suites", "train"),
    "evaluate.labels": Kind("tunewright.runners.evaluate_labels", "train"),
    "evaluate.vectors": Kind("tunewright.runners.evaluate_vectors", "train"),
    "evaluate.harness": Kind("tunewright.runners.evaluate_harness", "harness"),
    "export.model": Kind("tunewright.runners.export_model", "train"),
    "export.head": Kind("tunewright.runners.export_head", "train"),
    "export.gptq": Kind("tunewright.runners.export_gptq", "export-gptq"),
    "serve.embedded": Kind("tunewright.runners.serve_embedded", "train"),
    "serve.vllm": Kind("tunewright.runners.serve_vllm", "serve-vllm"),
    "serve.sglang": Kind("tunewright.runners.serve_sglang", "serve-sglang"),
    "serve.lmdeploy": Kind("tunewright.runners.serve_lmdeploy", "serve-lmdeploy"),
}

#: Kinds that can be planned but whose runner is not built yet.
PLANNED_ONLY = {
    "export.gptq": "the GPTQ/AWQ export runner",
    "serve.vllm": "the vLLM serving runner",
    "serve.sglang": "the SGLang serving runner",
    "serve.lmdeploy": "the LMDeploy serving runner",
}


def missing(kind: str) -> str | None:
    """Say what is missing to execute a kind, or None."""
    return f"{PLANNED_ONLY[kind]} is not built yet" if kind in PLANNED_ONLY else None
