"""Families 5 and 6: exports and deployments."""

import ipaddress

from tunewright.compiler.ir.resolved import ModelState, ResolvedDeploy, ResolvedExport, ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label

_BITS = {"bnb": (4, 8), "gptq": (2, 3, 4, 8), "awq": (4,), "fp8": (8,)}
_SERVES = {
    "embedded": frozenset({None, "bnb"}),
    "vllm": frozenset({None, "bnb", "gptq", "awq", "fp8"}),
    "sglang": frozenset({None, "gptq", "awq", "fp8"}),
    "lmdeploy": frozenset({None, "gptq", "awq", "fp8"}),
}


def _exports(work: Work) -> list[tuple[ResolvedStep, ResolvedExport]]:
    assert work.resolved is not None
    return [(step, step.body) for step in work.resolved.steps if isinstance(step.body, ResolvedExport)]


def _deploys(work: Work) -> list[tuple[ResolvedStep, ResolvedDeploy]]:
    assert work.resolved is not None
    return [(step, step.body) for step in work.resolved.steps if isinstance(step.body, ResolvedDeploy)]


def _check_double(work: Work) -> None:
    model = machine.base_model(work)
    for step, export in _exports(work):
        if export.quantize and model.quantization and model.origin != "gguf":
            work.sink.report(
                "TW5001",
                "the base model is quantised already",
                work.value_span("steps", step.name, "export", "quantize"),
                labels=(Label(work.value_span("base", "model"), f"quantised with {model.quantization}"),),
                help="start from the unquantised model, or remove `quantize`",
            )


def _check_merged(work: Work) -> None:
    assert work.resolved is not None
    for step, export in _exports(work):
        adapter = work.resolved.models.get(export.model, ModelState()).adapter
        if export.merge or not adapter:
            continue
        if export.quantize:
            work.sink.report(
                "TW5002",
                "only a merged model can be quantised",
                work.value_span("steps", step.name, "export", "merge"),
                help="remove `merge: false`",
            )
        else:
            work.sink.report(
                "TW5007",
                f"`{step.name}` would change nothing",
                work.key_span("steps", step.name),
                help="merge, quantise, or remove the step: the adapter is an artifact already",
            )


def _check_bits(work: Work) -> None:
    for step, export in _exports(work):
        quantize = export.quantize
        if quantize and quantize.bits not in _BITS[quantize.method]:
            known = " or ".join(map(str, _BITS[quantize.method]))
            work.sink.report(
                "TW5004",
                f"{quantize.method} has no {quantize.bits}-bit form",
                work.value_span("steps", step.name, "export", "quantize", "bits"),
                help=f"use {known}",
            )
        elif quantize and quantize.method == "bnb" and quantize.bits == 8:
            work.sink.report(
                "TW5004",
                "8-bit bnb export is not built yet",
                work.value_span("steps", step.name, "export", "quantize", "bits"),
                help="use 4",
            )


def _check_groups(work: Work) -> None:
    model = machine.base_model(work)
    widths = {"hidden_size": model.hidden_size, "intermediate_size": model.intermediate_size}
    for step, export in _exports(work):
        quantize = export.quantize
        if quantize is None or not quantize.group_size:
            continue
        span = work.value_span("steps", step.name, "export", "quantize", "group_size")
        if quantize.method in ("bnb", "fp8"):
            work.sink.report(
                "TW5006",
                f"{quantize.method} has no groups to size",
                work.key_span("steps", step.name, "export", "quantize", "group_size"),
                help="remove `group_size`",
            )
            continue
        for name, width in widths.items():
            if width and width % quantize.group_size:
                work.sink.report(
                    "TW5003",
                    f"group_size must divide the width of every layer: {quantize.group_size} does not divide {width}",
                    span,
                    labels=(Label(work.value_span("base", "model"), f"{name} {width}"),),
                    help="use 64 or 32",
                )
                break


def _check_calibration(work: Work) -> None:
    for step, export in _exports(work):
        if export.quantize and export.quantize.method in ("gptq", "awq") and export.calibration is None:
            work.sink.report(
                "TW5005",
                f"{export.quantize.method} needs rows to calibrate with",
                work.value_span("steps", step.name, "export", "quantize"),
                help="add `calibration: NAME` of a data set",
            )


def _check_four_bit_merge(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    for step, export in _exports(work):
        adapter = work.resolved.models.get(export.model, ModelState()).adapter
        if export.merge and adapter and model.quantization and model.origin != "gguf":
            work.sink.report(
                "TW5008",
                "an adapter can't be merged into a quantised model",
                work.key_span("steps", step.name),
                labels=(Label(work.value_span("base", "model"), f"quantised with {model.quantization}"),),
                help="serve the adapter on its base, or train on the unquantised model",
            )


def _check_bind(work: Work) -> None:
    for step, deploy in _deploys(work):
        if deploy.host == "localhost":
            continue
        try:
            loopback = ipaddress.ip_address(deploy.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            work.sink.report(
                "TW6001",
                f"`{deploy.host}` is open to others",
                work.value_span("steps", step.name, "deploy", "host"),
                "no access control yet",
                help="use `127.0.0.1`, and a proxy of yours that asks who is calling",
            )


def _check_ports(work: Work) -> None:
    seen: dict[int, ResolvedStep] = {}
    for step, deploy in _deploys(work):
        if deploy.port in seen:
            first = seen[deploy.port]
            work.sink.report(
                "TW6003",
                f"`{step.name}` and `{first.name}` both want port {deploy.port}",
                work.value_span("steps", step.name, "deploy", "port"),
                labels=(Label(work.key_span("steps", first.name), "has it"),),
                help="give each its own `port`",
            )
        seen.setdefault(deploy.port, step)


def _check_engine_format(work: Work) -> None:
    assert work.resolved is not None
    for step, deploy in _deploys(work):
        served = work.resolved.step(deploy.model)
        method = (
            served.body.quantize.method
            if served and isinstance(served.body, ResolvedExport) and served.body.quantize
            else None
        )
        if method not in _SERVES[deploy.engine]:
            able = [engine for engine, formats in _SERVES.items() if method in formats]
            assert served is not None
            work.sink.report(
                "TW6004",
                f"the {deploy.engine} engine can't serve {method}",
                work.value_span("steps", step.name, "deploy", "engine"),
                labels=(Label(work.key_span("steps", served.name), f"makes {method}"),),
                help=f"use {' or '.join(able)}, or another `quantize.method`",
            )


def _check_engine_device(work: Work) -> None:
    for step, deploy in _deploys(work):
        if deploy.engine != "embedded" and deploy.device == "cpu":
            work.sink.report(
                "TW6012",
                f"the {deploy.engine} engine needs an accelerator",
                work.value_span("steps", step.name, "deploy", "engine"),
                help="use `embedded`, or state the target machine under `resources`",
            )


def _check_served_length(work: Work) -> None:
    assert work.resolved is not None
    context = machine.base_model(work).max_position_embeddings
    for step, deploy in _deploys(work):
        span = work.value_span("steps", step.name, "deploy", "max_model_len")
        if context and deploy.max_model_len > context:
            work.sink.report(
                "TW6005",
                f"max_model_len {deploy.max_model_len} is beyond the model's context of {context} tokens",
                span,
                help=f"use at most `{context}`",
            )
            continue
        learned = [
            train.max_length for _, train in work.resolved.trains() if not context or train.max_length <= context
        ]
        if learned and deploy.max_model_len < max(learned):
            work.sink.report(
                "TW6006",
                f"serves {deploy.max_model_len} tokens but learned from rows of up to {max(learned)}",
                span if deploy.max_model_len else work.key_span("steps", step.name),
                help=f"set `max_model_len: {max(learned)}`, or train with a smaller `max_length`",
            )


def _check_tensor_parallel(work: Work) -> None:
    assert work.facts is not None
    model = machine.base_model(work)
    accelerator = work.facts.hardware.accelerator
    for step, deploy in _deploys(work):
        span = work.value_span("steps", step.name, "deploy", "tensor_parallel")
        heads = model.num_attention_heads
        if deploy.tensor_parallel > 1 and heads and heads % deploy.tensor_parallel:
            work.sink.report(
                "TW6007",
                "tensor_parallel must divide the number of attention heads",
                span,
                f"{deploy.tensor_parallel} does not divide {heads}",
                help="use 1, 2, 4 or 8 where it fits",
            )
        elif (
            deploy.tensor_parallel > 1
            and accelerator
            and deploy.tensor_parallel * deploy.replicas[0] > accelerator.count
        ):
            work.sink.report(
                "TW6008",
                f"{deploy.replicas[0]} replicas of {deploy.tensor_parallel} accelerators do not fit on "
                f"{accelerator.count}",
                span,
                help="lower `replicas.min` or `tensor_parallel`",
            )


def _check_canary(work: Work) -> None:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        canary = step.deploy.canary if step.deploy else None
        if canary and (list(canary.steps) != sorted(set(canary.steps)) or canary.steps[-1] != 100):
            work.sink.report(
                "TW6009",
                "canary steps must rise to 100",
                work.value_span("steps", name, "deploy", "canary", "steps"),
                help="for example `[10, 50, 100]`",
            )
        replicas = step.deploy.replicas if step.deploy else None
        if replicas and replicas.min > replicas.max:
            work.sink.report(
                "TW6010",
                f"at least {replicas.min} but at most {replicas.max} replicas",
                work.value_span("steps", name, "deploy", "replicas"),
                help="`min` must not exceed `max`",
            )


def _check_measured(work: Work) -> None:
    assert work.resolved is not None
    assert work.spec is not None
    for step, deploy in _deploys(work):
        chain = _ancestry(work, deploy.model)
        measured = {evaluate.evaluate.model for evaluate in work.spec.steps.values() if evaluate.evaluate}
        if any(isinstance(item.body, ResolvedTrain) for item in chain) and not measured & {item.name for item in chain}:
            work.sink.report(
                "TW6011",
                f"`{step.name}` serves a model that nothing has measured",
                work.key_span("steps", step.name),
                help="add an `evaluate` step and a `gate` above it",
            )


def _ancestry(work: Work, name: str) -> list[ResolvedStep]:
    assert work.resolved is not None
    found = []
    current: str | None = name
    while current and (step := work.resolved.step(current)):
        found.append(step)
        body = step.body
        current = body.from_step if isinstance(body, ResolvedTrain) else getattr(body, "model", None)
    return found


_GPU = "resources: {accelerator: a100-80gb, count: 8}"

RULES = (
    Rule(
        code="TW5001",
        phase=Phase.MODEL,
        check=_check_double,
        why="Quantising twice ruins what the first time kept.",
        bad='{base: {model: "dir:quantized-model"}, steps: {pack: {export: {model: base, quantize: {method: bnb}}}}}',
        good="steps: {pack: {export: {quantize: {method: bnb}}}}",
    ),
    Rule(
        code="TW5002",
        phase=Phase.TEXT,
        check=_check_merged,
        why="A quantised base with a loose adapter is another model than the one that was measured.",
        bad="steps: {pack: {export: {merge: false, quantize: {method: bnb}}}}",
        good="steps: {pack: {export: {merge: true, quantize: {method: bnb}}}}",
    ),
    Rule(
        code="TW5003",
        phase=Phase.MODEL,
        check=_check_groups,
        why="Quantisers split rows into groups of equal size; a rest stops them at the first layer.",
        bad="{"
        + _GPU
        + ", steps: {pack: {export: {quantize: {method: gptq, group_size: 100}}}, serve: {deploy: {engine: vllm}}}}",
        good="{" + _GPU + ", steps: {pack: {export: {quantize: {method: gptq}}}, serve: {deploy: {engine: vllm}}}}",
    ),
    Rule(
        code="TW5004",
        phase=Phase.TEXT,
        check=_check_bits,
        why="Each format exists for certain widths only.",
        bad="{"
        + _GPU
        + ", steps: {pack: {export: {quantize: {method: awq, bits: 3}}}, serve: {deploy: {engine: vllm}}}}",
        good="{"
        + _GPU
        + ", steps: {pack: {export: {quantize: {method: awq, bits: 4}}}, serve: {deploy: {engine: vllm}}}}",
    ),
    Rule(
        code="TW5005",
        phase=Phase.TEXT,
        check=_check_calibration,
        why="Calibrated quantisers need text like the one that will be served.",
        bad="{"
        + _GPU
        + ", steps: {pack: {export: {model: base, quantize: {method: gptq}}}, serve: {deploy: {engine: vllm}}}}",
        good="{"
        + _GPU
        + ", steps: {pack: {export: {model: base, quantize: {method: gptq}, calibration: rows}}, serve: "
        "{deploy: {engine: vllm}}}}",
    ),
    Rule(
        code="TW5006",
        phase=Phase.TEXT,
        why="A setting of another method would be silently ignored.",
        bad="steps: {pack: {export: {quantize: {method: bnb, group_size: 64}}}}",
        good="steps: {pack: {export: {quantize: {method: bnb}}}}",
    ),
    Rule(
        code="TW5007",
        phase=Phase.TEXT,
        why="An export that changes nothing is a step too many.",
        bad="steps: {pack: {export: {merge: false}}}",
        good="steps: {pack: {export: {merge: true}}}",
    ),
    Rule(
        code="TW5008",
        phase=Phase.MODEL,
        check=_check_four_bit_merge,
        why="Merging into 4-bit weights rounds the adapter away.",
        bad='base: {model: "dir:quantized-model"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
    Rule(
        code="TW6001",
        phase=Phase.TEXT,
        check=_check_bind,
        why="An endpoint on a public address answers everybody.",
        bad='steps: {serve: {deploy: {host: "0.0.0.0"}}}',
        good='steps: {serve: {deploy: {host: "127.0.0.1"}}}',
    ),
    Rule(
        code="TW6003",
        phase=Phase.TEXT,
        check=_check_ports,
        why="Two services can't listen on one port; clients would reach the wrong model.",
        bad="steps: {second: {deploy: {model: pack, port: 8123}}}",
        good="steps: {second: {deploy: {model: pack, port: 8124}}}",
    ),
    Rule(
        code="TW6004",
        phase=Phase.TEXT,
        follows=("steps.@.deploy.engine",),
        check=_check_engine_format,
        why="Not every engine reads every format; found after the export otherwise.",
        bad="{" + _GPU + ", steps: {pack: {export: {quantize: {method: bnb}}}, serve: {deploy: {engine: sglang}}}}",
        good="{" + _GPU + ", steps: {pack: {export: {quantize: {method: gptq}}}, serve: {deploy: {engine: sglang}}}}",
    ),
    Rule(
        code="TW6005",
        phase=Phase.MODEL,
        check=_check_served_length,
        why="Beyond its context a model answers nonsense.",
        bad="steps: {serve: {deploy: {max_model_len: 1000000}}}",
        good="steps: {serve: {deploy: {max_model_len: 4096}}}",
    ),
    Rule(
        code="TW6006",
        phase=Phase.TEXT,
        follows=("steps.@.deploy.max_model_len",),
        why="A service shorter than the training rows cuts requests that the model has learned to answer.",
        bad="steps: {sft: {train: {max_length: 8192}}, serve: {deploy: {max_model_len: 2048}}}",
        good="steps: {sft: {train: {max_length: 2048}}, serve: {deploy: {max_model_len: 2048}}}",
    ),
    Rule(
        code="TW6007",
        phase=Phase.MODEL,
        check=_check_tensor_parallel,
        why="Each accelerator holds whole attention heads.",
        bad="{" + _GPU + ", steps: {serve: {deploy: {engine: vllm, tensor_parallel: 3}}}}",
        good="{" + _GPU + ", steps: {serve: {deploy: {engine: vllm, tensor_parallel: 2}}}}",
    ),
    Rule(
        code="TW6008",
        phase=Phase.HARDWARE,
        follows=(
            "resources",
            "steps.@.deploy.tensor_parallel",
            "steps.@.deploy.replicas",
        ),
        why="Replicas that do not fit never become ready.",
        bad="{" + _GPU + ", steps: {serve: {deploy: {engine: vllm, tensor_parallel: 2, replicas: {min: 8, max: 8}}}}}",
        good="{" + _GPU + ", steps: {serve: {deploy: {engine: vllm, tensor_parallel: 2, replicas: {min: 1, max: 4}}}}}",
    ),
    Rule(
        code="TW6009",
        phase=Phase.TEXT,
        follows=("steps.@.deploy.canary.steps",),
        check=_check_canary,
        resolved=False,
        why="A canary that does not end at 100 % never becomes the release.",
        bad="steps: {serve: {deploy: {canary: {steps: [50, 10], hold: 10m, rollback_on: error_rate > 0.01}}}}",
        good="steps: {serve: {deploy: {canary: {steps: [10, 50, 100], hold: 10m, rollback_on: error_rate > 0.01}}}}",
    ),
    Rule(
        code="TW6010",
        phase=Phase.TEXT,
        follows=("steps.@.deploy.replicas",),
        why="A range runs from the smaller to the larger number.",
        bad="steps: {serve: {deploy: {replicas: {min: 4, max: 1}}}}",
        good="steps: {serve: {deploy: {replicas: {min: 1, max: 4}}}}",
    ),
    Rule(
        code="TW6011",
        phase=Phase.TEXT,
        follows=("steps.*.evaluate",),
        check=_check_measured,
        why="A release that nobody measured is found bad by its users.",
        bad="steps: {exam: {evaluate: {model: base}}}",
        good="steps: {exam: {evaluate: {model: align}}}",
    ),
    Rule(
        code="TW6012",
        phase=Phase.HARDWARE,
        follows=(
            "resources",
            "steps.@.deploy.engine",
        ),
        check=_check_engine_device,
        why="Production engines compute on accelerators.",
        bad="steps: {serve: {deploy: {engine: vllm}}}",
        good="{" + _GPU + ", steps: {serve: {deploy: {engine: vllm}}}}",
    ),
)
