"""Families 3 and 6: what kinds of adapters ask of the base below them, and of the engine above them."""

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.facts.engines import ENGINES
from tunewright.compiler.ir.resolved import ModelState, ResolvedDeploy, ResolvedExport, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.tuners import TUNERS


def _check_requantized(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    if not model.quantization or model.origin == "gguf":
        return
    for step, train in work.resolved.trains():
        tuner = TUNERS[train.tuner.type]
        if tuner.packed_base or not tuner.makes_adapter or train.from_step:
            continue
        wants = "quantises the base itself" if tuner.base_bits else "needs the base's weights as they were"
        work.sink.report(
            "TW3029",
            f"{train.tuner.type} {wants}, and the base model is quantised already",
            work.value_span("steps", step.name, "train", "tuner"),
            labels=(Label(work.value_span("base", "model"), f"quantised with {model.quantization}"),),
            help="use `type: lora`, or the unquantised model",
        )


def _check_experts_learn(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    if not model.num_experts:
        return
    for step, train in work.resolved.trains():
        everything = train.tuner.target_modules == ("all-linear",)
        if not train.tuner.is_adapter or not everything or train.from_step or train.parallelism.strategy == "megatron":
            continue
        work.sink.report(
            "TW3031",
            "`all-linear` does not reach the experts: they are stored as one block, not as linear layers",
            work.value_span("steps", step.name, "train", "tuner"),
            "attention layers learn",
            labels=(Label(work.value_span("base", "model"), f"{model.num_experts} experts"),),
            help="accept it (adapters on attention are common), use `strategy: megatron`, or let all weights learn",
        )


def _check_served_adapter(work: Work) -> None:
    assert work.resolved is not None
    for step in work.resolved.steps:
        deploy = step.body
        if not isinstance(deploy, ResolvedDeploy) or deploy.engine not in ENGINES:
            continue
        name = work.resolved.models.get(deploy.model, ModelState()).adapter
        made = work.resolved.step(name) if name else None
        if made is None or not isinstance(made.body, ResolvedTrain):
            continue
        tuner, most = made.body.tuner.result, ENGINES[deploy.engine].largest_adapter_rank
        table = TUNERS[tuner.type]
        if not table.engines:
            continue  # said already: nothing can serve it
        if deploy.engine not in table.engines:
            problem = f"has no {table.word} adapters"
        elif most is not None and tuner.rank > most:
            problem = f"takes adapters up to rank {most}"
        else:
            continue
        work.sink.report(
            "TW6015",
            f"the {deploy.engine} engine {problem}",
            work.value_span("steps", step.name, "deploy", "engine"),
            labels=(
                Label(work.key_span("steps", made.name), tuner.type + (f" rank {tuner.rank}" if tuner.rank else "")),
            ),
            help="merge the adapter with an `export` step and serve that"
            if table.merges
            else "use the `embedded` engine, or a tuner whose result melts into the base, such as `lora`",
        )


def _check_format_device(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    accelerator = work.facts.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    if known is None or known.compute_capability is None:
        return
    for step in work.resolved.steps:
        deploy = step.body
        if not isinstance(deploy, ResolvedDeploy) or deploy.engine not in ENGINES:
            continue
        served = work.resolved.step(deploy.model)
        quantize = served.body.quantize if served and isinstance(served.body, ResolvedExport) else None
        least = ENGINES[deploy.engine].least_capability.get(quantize.method) if quantize else None
        if quantize is None or least is None or known.compute_capability >= least or served is None:
            continue
        work.sink.report(
            "TW6016",
            f"the {deploy.engine} engine can't compute {quantize.method} on {known.name}",
            work.value_span("steps", step.name, "deploy", "engine"),
            f"needs compute capability {least[0]}.{least[1]}, this is "
            f"{known.compute_capability[0]}.{known.compute_capability[1]}",
            labels=(Label(work.key_span("steps", served.name), f"makes {quantize.method}"),),
            help="quantise with `gptq`, or serve on a newer accelerator",
        )


_MIXTRAL = (
    "resources: {accelerator: h100-80gb, count: 8}, "
    "base: {model: 'hf://mistralai/Mixtral-8x7B-Instruct-v0.1@eba92302a2861cdc0098cc54bc9f17cb2c47eb61'}"
)
_GPU = "resources: {accelerator: a100-80gb}"

RULES = (
    Rule(
        code="TW3029",
        phase=Phase.MODEL,
        check=_check_requantized,
        why="QLoRA quantises the base while it loads, DoRA reads its norms: a base that is quantised stops both there.",
        bad='{base: {model: "dir:quantized-model"}, steps: {sft: {train: {tuner: qlora}}, pack: null, '
        "serve: {deploy: {model: align}}}}",
        good='{base: {model: "dir:quantized-model"}, steps: {pack: null, serve: {deploy: {model: align}}}}',
    ),
    Rule(
        code="TW3031",
        phase=Phase.MODEL,
        check=_check_experts_learn,
        why="Most of such a model's weights are experts; `all` that learns is a small part beside them.",
        bad="{" + _MIXTRAL + ", steps: {sft: {train: {tuner: qlora, parallelism: ddp}}, "
        "serve: {deploy: {engine: vllm, tensor_parallel: 8}}}}",
        good="{"
        + _MIXTRAL
        + ", steps: {sft: {train: {tuner: {type: qlora, target_modules: [q_proj, v_proj]}, parallelism: ddp}}, "
        "serve: {deploy: {engine: vllm, tensor_parallel: 8}}}}",
    ),
    Rule(
        code="TW6015",
        phase=Phase.TEXT,
        check=_check_served_adapter,
        why="An engine that can't read an adapter stops when it starts, after the training.",
        bad="{" + _GPU + ", steps: {sft: {train: {tuner: dora}}, serve: {deploy: {model: align, engine: vllm}}}}",
        good="{" + _GPU + ", steps: {sft: {train: {tuner: lora}}, serve: {deploy: {model: align, engine: vllm}}}}",
    ),
    Rule(
        code="TW6016",
        phase=Phase.HARDWARE,
        check=_check_format_device,
        why="A format without kernels for the chip is refused when the engine starts, after hours of quantising.",
        bad="{resources: {accelerator: v100-32gb}, steps: {pack: {export: {quantize: {method: awq}}}, "
        "serve: {deploy: {engine: vllm}}}}",
        good="{resources: {accelerator: v100-32gb}, steps: {pack: {export: {quantize: {method: gptq}}}, "
        "serve: {deploy: {engine: vllm}}}}",
    ),
)
