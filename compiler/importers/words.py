"""Words that the frameworks share, and ours for them. None as ours: the spec has no word for it."""

from collections.abc import Mapping

from tunewright.spec.methods import METHODS
from tunewright.spec.record import record


@record
class Translation:
    """Our word, and what is lost with it (empty: nothing)."""

    word: str
    loss: str = ""


_PAGED = "the optimizer's state stays on the accelerator"

OPTIMIZERS: Mapping[str, Translation] = {
    "adamw_torch": Translation("adamw_torch"),
    "adamw_hf": Translation("adamw_torch"),
    "adamw": Translation("adamw_torch"),
    "adamw_torch_fused": Translation("adamw_torch_fused"),
    "adamw_apex_fused": Translation("adamw_torch_fused"),
    "adamw_bnb_8bit": Translation("adamw_bnb_8bit"),
    "adamw_8bit": Translation("adamw_bnb_8bit"),
    "adamw_torch_8bit": Translation("adamw_bnb_8bit", "the 8-bit state is bitsandbytes', not torchao's"),
    "paged_adamw_8bit": Translation("paged_adamw_8bit"),
    "paged_adamw_32bit": Translation("adamw_torch", _PAGED),
    "paged_adamw": Translation("adamw_torch", _PAGED),
    "adamw_torch_4bit": Translation("adamw_bnb_8bit", "the optimizer's state is held in 8 bits instead of 4"),
    "adamw_4bit": Translation("adamw_bnb_8bit", "the optimizer's state is held in 8 bits instead of 4"),
    "adamw_torch_npu_fused": Translation("adamw_torch_fused"),
    "adamw_torch_xla": Translation("adamw_torch"),
    "adam": Translation("adamw_torch"),
    "adafactor": Translation("adafactor"),
    "sgd": Translation("sgd"),
}

SCHEDULERS: Mapping[str, Translation] = {
    "linear": Translation("linear"),
    "cosine": Translation("cosine"),
    "constant": Translation("constant"),
    "constant_with_warmup": Translation("constant_with_warmup"),
    "polynomial": Translation("polynomial"),
    "inverse_sqrt": Translation("inverse_sqrt"),
    "inverse-square-root": Translation("inverse_sqrt"),
    # One cycle unless its settings say more, which are reported for themselves.
    "cosine_with_restarts": Translation("cosine"),
    "cosine_with_min_lr": Translation("cosine_with_min_lr"),
    "cosine_warmup_with_min_lr": Translation("cosine_with_min_lr"),
}

ATTENTION: Mapping[str, Translation] = {
    "auto": Translation("auto"),
    "eager": Translation("eager"),
    "disabled": Translation("eager"),
    "sdpa": Translation("sdpa"),
    "torch": Translation("sdpa"),
    "fa2": Translation("flash_attention_2"),
    "flash_attn": Translation("flash_attention_2"),
    "flash_attn_2": Translation("flash_attention_2"),
    "flash_attention_2": Translation("flash_attention_2"),
    "flash_attention_3": Translation("flash_attention_2"),
    "flash_attn_3": Translation("flash_attention_2"),
    "fa3": Translation("flash_attention_2"),
    "flash": Translation("flash_attention_2"),
    "xformers": Translation("sdpa"),
    "flex_attention": Translation("sdpa"),
    "kernels-community/flash-attn2": Translation("flash_attention_2"),
}

PRECISIONS: Mapping[str, str] = {
    "bfloat16": "bf16", "bf16": "bf16", "float16": "fp16", "fp16": "fp16", "float32": "fp32", "fp32": "fp32", "auto": (
        "auto"
    ),
}  # fmt: skip

#: Losses of preference pairs that are DPO's here.
DPO_LOSSES = frozenset(METHODS["dpo"].words["loss_type"])

#: Names under which benchmarks of `facts/benchmarks.py` are known elsewhere.
BENCHMARK_NAMES: Mapping[str, str] = {
    "arc": "arc_challenge", "arc_c": "arc_challenge", "arc_e": "arc_easy", "truthful_qa": "truthfulqa",
    "competition_math": "math", "mmlu_test": "mmlu", "ceval_validation": "ceval", "cmmlu_test": "cmmlu",
}  # fmt: skip

#: Methods of the frameworks that no spec can say yet.
METHODS_MISSING: Mapping[str, str] = {
    "ebft": "EBFT is not a method here",
    "gdpo": "learning from rewards of generated replies (GDPO) is not a method here",
}
