"""Family 3: number formats, attention, kernels and optimizers: what the chip can do."""

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.choose_kernels import unfit
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule


def _check_precision(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    accelerator = work.facts.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    for step, train in work.resolved.trains():
        span = work.value_span("steps", step.name, "train", "precision")
        if train.precision == "fp16" and not train.tuner.is_adapter:
            work.sink.report(
                "TW3008", "full fine-tuning in fp16 loses its gradients", span, help="use `bf16` or `fp32`"
            )
        elif train.precision == "fp16" and train.device == "cpu":
            work.sink.report("TW3009", "a CPU has no fp16 arithmetic", span, help="use `bf16` or `fp32`")
        elif train.precision == "bf16" and known is not None and not known.bf16:
            work.sink.report(
                "TW3009",
                f"{known.name} has no bf16",
                span,
                help="use `fp16` for adapters, `fp32` for all weights, or `auto`",
            )


def _check_attention(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    accelerator = work.facts.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    family = machine.base_model(work).family
    for step, train in work.resolved.trains():
        if family is not None and train.attention not in family.attention:
            work.sink.report(
                "TW3023",
                f"{family.model_type} models don't compute attention by `{train.attention}`",
                work.value_span("steps", step.name, "train", "attention"),
                help=f"use `auto`, or {' or '.join(f'`{way}`' for way in family.attention)}",
            )
            continue
        if train.attention != "flash_attention_2":
            continue
        span = work.value_span("steps", step.name, "train", "attention")
        if train.device != "cuda":
            work.sink.report("TW3023", f"flash attention does not run on {train.device}", span, help="use `auto`")
        elif known and known.compute_capability and known.compute_capability < (8, 0):
            work.sink.report("TW3023", f"flash attention 2 does not run on {known.name}", span, help="use `auto`")
        elif train.precision == "fp32":
            work.sink.report(
                "TW3023",
                "flash attention computes in bf16 or fp16 only",
                span,
                help="set `precision: bf16`, or use `auto`",
            )


def _check_kernels(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if train.kernels != "auto" and (problem := unfit(work, train, train.kernels)) is not None:
            work.sink.report(
                "TW3060",
                f"{train.kernels} kernels don't fit this step",
                work.value_span("steps", step.name, "train", "kernels"),
                problem,
                help="use `auto`, which takes them where they fit",
            )


def _check_optimizer(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        span = work.value_span("steps", step.name, "train", "optim")
        if train.optim.startswith("paged") and train.device == "cpu":
            work.sink.report("TW3026", "a paged optimizer needs an accelerator", span, help="use `adamw_torch`")
        elif "8bit" in train.optim and train.parallelism.strategy in ("zero1", "zero2", "zero3", "fsdp2", "megatron"):
            work.sink.report(
                "TW3026",
                f"8-bit optimizer state can't be sharded by {train.parallelism.strategy}",
                span,
                help="use `adamw_torch`, or `ddp`",
            )


RULES = (
    Rule(
        code="TW3008",
        phase=Phase.TEXT,
        check=_check_precision,
        why="fp16 weights with fp16 gradients underflow: trainers stop with `attempting to unscale FP16 gradients`.",
        bad="{resources: {accelerator: a100-80gb}, steps: {sft: {train: {tuner: full, precision: fp16}}}}",
        good="{resources: {accelerator: a100-80gb}, steps: {sft: {train: {tuner: full, precision: bf16}}}}",
    ),
    Rule(
        code="TW3009",
        phase=Phase.HARDWARE,
        why="A number format that the chip lacks is emulated at a crawl or refused after loading.",
        bad="{resources: {accelerator: v100-32gb}, steps: {sft: {train: {precision: bf16}}}}",
        good="{resources: {accelerator: v100-32gb}, steps: {sft: {train: {precision: auto}}}}",
    ),
    Rule(
        code="TW3023",
        phase=Phase.HARDWARE,
        check=_check_attention,
        why="Flash attention needs an accelerator with the right kernels and a 16-bit format.",
        bad="steps: {sft: {train: {attention: flash_attention_2}}}",
        good="steps: {sft: {train: {attention: auto}}}",
    ),
    Rule(
        code="TW3026",
        phase=Phase.HARDWARE,
        check=_check_optimizer,
        why="Paged and 8-bit optimizer states need an accelerator and can't be sharded.",
        bad="steps: {sft: {train: {optim: paged_adamw_8bit}}}",
        good="steps: {sft: {train: {optim: adamw_torch}}}",
    ),
    Rule(
        code="TW3060",
        phase=Phase.HARDWARE,
        check=_check_kernels,
        why="Kernels where they don't fit fail after loading, or change what is learnt.",
        bad="steps: {sft: {train: {kernels: fused, tuner: full}}}",
        good="steps: {sft: {train: {kernels: fused}}}",
    ),
)
