"""Score the memory estimate against published measurements.

    PYTHONPATH=src python -P benchmarks/estimate.py MEASUREMENTS.csv MODELS.json [--rows]

MEASUREMENTS.csv has one measured training run a row; MODELS.json the shapes of the models it names. Neither is part
of the project. Rows of engines whose memory these formulas do not describe are left out and counted.
"""

import csv
import dataclasses
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from tunewright.compiler.estimate.activations import LossMemory
from tunewright.compiler.estimate.footprint import train_memory
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.storage import NF4_BYTES, quantized_bytes, weight_bytes
from tunewright.compiler.facts.families import family_of, linear_names
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedParallelism, ResolvedTrain, ResolvedTuner

GIB = 2**30
_STRATEGIES = {
    "single": "single", "ddp": "ddp", "zero2": "zero2", "zero3": "zero3", "zero3_offload": "zero3", "fsdp": "fsdp2",
}  # fmt: skip
_FRAMEWORKS = (
    "ms-swift/HF",
    "ms-swift/HF(NPU)",
    "HF Trainer",
    "HF+DeepSpeed",
    "PEFT/HF",
    "TRL+DeepSpeed",
    "LLaMA-Factory",
)
#: The other stacks whose arithmetic is nearly the same: shown apart.
_RELATED = ("litgpt", "torchtune", "FSDP1+bnb", "TRL+FSDP")
_TARGETS = {
    "c_attn": ("q_proj", "k_proj", "v_proj"),
    "qkv": ("q_proj", "k_proj", "v_proj"),
    "qv": ("q_proj", "v_proj"),
    "qkvo": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
}
_LINEAR_BYTES = {
    "gptq-int4": quantized_bytes(4, 128),
    "awq-int4": quantized_bytes(4, 128),
    "gptq-int8": quantized_bytes(8, 128),
    "bnb-nf4": NF4_BYTES,
    "bnb-nf4-nodq": 0.5625,
    "nf4-torchao": NF4_BYTES,
}


def main(arguments: list[str]) -> int:
    """Print the relative error by slice; with --rows every row too."""
    if len(arguments) < 2:
        sys.stderr.write(__doc__ or "")
        return 2
    models = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
    with Path(arguments[0]).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    ratios: dict[str, list[float]] = defaultdict(list)
    skipped = 0
    for row in rows:
        ratio = _ratio(row, models)
        if ratio is None:
            skipped += 1
            continue
        for name in _slices(row):
            ratios[name].append(ratio)
        if "--rows" in arguments:
            print(_line(row, ratio))
    print(
        f"{'slice':42} {'n':>4} {'median |error|':>15} {'mean':>7} {'P90':>7} {'bias':>7} {'q95 measured/estimate':>22}"
    )
    for name in sorted(ratios):
        _print_slice(name, ratios[name])
    print(f"{skipped} rows are not described by these formulas")
    return 0


def _line(row: dict[str, str], ratio: float) -> str:
    kind = f"{row['framework']:18} {row['model_key']:16} {row['method']:6} {row['strategy']:8}"
    size = f"s {row['seq_len']:>6} b {row['micro_batch']:>2} {row['ce']:10}"
    return f"{row['id']} {kind} {size} {row['measured_peak_gib']:>8} GiB, x{ratio:.2f} of the estimate"


def _print_slice(name: str, ratios: list[float]) -> None:
    errors = sorted(abs(1 / ratio - 1) for ratio in ratios)
    upper = sorted(ratios)[min(len(ratios) - 1, int(0.95 * len(ratios)))]
    print(
        f"{name:42} {len(ratios):4} {statistics.median(errors):15.1%} {statistics.fmean(errors):7.1%} "
        f"{errors[int(0.9 * (len(errors) - 1))]:7.1%} {1 / statistics.median(ratios) - 1:+7.1%} {upper:22.2f}"
    )


def _slices(row: dict[str, str]) -> list[str]:
    related = row["framework"] in _RELATED
    stack = "related stacks" if related else "HF"
    old = row["source_rev"].startswith("b40f31df7")  # a table of 2024 whose allocator (torch <= 2.1) reserved far more
    found = [f"{stack}: {row['method']} {row['strategy']}", f"{stack}: all"]
    if not related and not old:
        found.append("HF without the 2024 allocator")
    return found


def _ratio(row: dict[str, str], models: dict[str, dict[str, object]]) -> float | None:
    """Return measured over estimated, or None for a row that the formulas do not describe."""
    covered = (
        row["quality"] in {"A", "B"}
        and row["measured_peak_gib"]
        and row["fits"] == "1"
        and row["framework"] in (*_FRAMEWORKS, *_RELATED)
        and row["strategy"] in _STRATEGIES
        and row["method"] in {"full", "lora", "qlora"}
        and row["task"] in {"sft", "pretrain", "dpo", "kto"}
        and row["model_key"] in models
        and row["recompute"] in {"full", "none"}
        and row["offload"] != "activations"
        and not row["optimizer"].endswith("in_bwd")
    )
    if not covered:
        return None
    model = _model(models[row["model_key"]], row)
    train = _train(row)
    rows = RowLengths(longest_tokens=int(float(row["tokens_hint"] or row["seq_len"])))
    memory = train_memory(train, model, rows, loss=LossMemory(_loss_bytes(row, model)), master=_master(row))
    counted = memory.device_bytes - (0 if "smi" in row["measure_kind"] else memory.device["runtime"])
    if row["measure_kind"].startswith(("allocated", "active")):
        counted -= memory.device["fragmentation"]
    return float(row["measured_peak_gib"]) * GIB / counted


def _model(shape: dict[str, object], row: dict[str, str]) -> ModelFacts:
    names = {field.name for field in dataclasses.fields(ModelFacts)}
    known = {key: value for key, value in shape.items() if key in names and isinstance(value, (int, bool, str))}
    model_type = str(shape.get("model_type") or "llama")
    extra = {
        "mlp_gated": bool(shape.get("gated_mlp", True)),
        "num_experts_per_token": int(str(shape.get("num_experts_per_tok") or 0)),
        "num_parameters": int(str(shape.get("_params") or 0)) or None,
        "linear_modules": linear_names(family_of(model_type)),
    }
    known.update(extra)
    model = ModelFacts(source=row["model_key"], origin="catalogue", **known)  # type: ignore[arg-type]
    if row["quant"].startswith(("gptq", "awq")):
        size = weight_bytes(model, precision="bf16", linear_bytes=_LINEAR_BYTES[row["quant"]])
        # PEFT casts what is not quantised to 32 bits.
        size += 2 * 2 * (model.vocab_size or 0) * (model.hidden_size or 0)
        return dataclasses.replace(model, quantization=row["quant"], weight_bytes=size)
    return model


def _train(row: dict[str, str]) -> ResolvedTrain:
    gpus = int(row["gpus"])
    quantised_here = row["method"] == "qlora" and not row["quant"].startswith(("gptq", "awq"))
    tuner_type = "full" if row["method"] == "full" else "qlora" if quantised_here else "lora"
    tuner = ResolvedTuner(
        type=tuner_type, rank=int(row["lora_rank"] or 0), target_modules=_targets(row["lora_targets"])
    )
    offload = row["strategy"].endswith("offload")
    return ResolvedTrain(
        method=row["task"] if row["task"] in {"dpo", "kto"} else "sft",
        from_step=None,
        data=(),
        tuner=tuner,
        learning_rate=1e-4,
        lr_scheduler_type="linear",
        warmup_ratio=0.0,
        num_train_epochs=1,
        max_steps=None,
        per_device_train_batch_size=int(float(row["micro_batch"] or 1)),
        gradient_accumulation_steps=1,
        max_length=int(float(row["seq_len"])),
        packing=row["seq_kind"] in {"packed", "fixed"},
        loss_on="all",
        options={"beta": 0.1, "loss_type": "sigmoid"},
        weight_decay=0.0,
        max_grad_norm=1.0,
        optim="adamw_torch_fused" if "fused" in row["optimizer"] else "adamw_torch",
        seed=0,
        determinism="recorded",
        precision="bf16",
        gradient_checkpointing=row["recompute"] == "full",
        attention="eager" if row["attn"] == "eager" else "sdpa",
        kernels="plain",
        train_sampling_strategy="random",
        system_prompt=None,
        evaluation_share=0.0,
        logging_steps=1,
        save_steps=1,
        save_total_limit=1,
        parallelism=ResolvedParallelism(
            strategy=_STRATEGIES[row["strategy"]],
            processes=gpus,
            nodes=max(1, gpus // 8),
            offload_optimizer="cpu" if offload else "none",
            offload_parameters="cpu" if offload else "none",
        ),
        device="cuda",
        threads=1,
    )


def _targets(written: str) -> tuple[str, ...]:
    if written in {"", "all-linear", "qkv+o+mlp"}:
        return ("all-linear",)
    return tuple(name for part in written.split("+") for name in _TARGETS.get(part, (part,)))


def _master(row: dict[str, str]) -> str:
    return "bf16" if row["weights_dtype"] == "bf16" and not row["strategy"].startswith("fsdp") else "fp32"


def _loss_bytes(row: dict[str, str], model: ModelFacts) -> float:
    vocabulary, hidden = model.vocab_size or 0, model.hidden_size or 0
    match row["ce"]:
        case "liger" | "fused":
            return 6.0 * hidden
        case "chunked":
            return 2.5 * vocabulary
        case "chunked128":
            return 10.0 * vocabulary
        case _:
            return 14.0 * vocabulary


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
