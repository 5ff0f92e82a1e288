"""What the fixed words of the language mean, one sentence a word: editors show it beside each choice."""

from collections.abc import Mapping
from typing import Any

from tunewright.spec.alerting import EVENTS as ALERT_EVENTS
from tunewright.spec.determinism import LEVELS
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS

_OFFLOAD = {
    "none": "It stays on the accelerator.",
    "cpu": "In host memory: room for larger models, slower steps.",
    "nvme": "On a local disk, by ZeRO-3: room for the largest models, the slowest steps.",
}

_TUNERS = {name: tuner.meaning for name, tuner in TUNERS.items()}
_STRATEGIES = {
    "single": "One process.",
    "ddp": "Every process holds the whole model.",
    "zero1": "Optimizer state in shards.",
    "zero2": "Optimizer state and gradients in shards.",
    "zero3": "Parameters in shards too.",
    "fsdp2": "Everything in shards, by PyTorch itself.",
    "megatron": "Layers and tensors cut over accelerators, for the largest models.",
}

_OUTSIDE_POLICIES = {
    "warn": "Say it and go on.",
    "pause": "Rest at the last checkpoint until somebody resumes.",
    "stop": "Fail.",
}
_POLICIES = _OUTSIDE_POLICIES | {
    "rollback_and_continue": "Take weights and optimizer of the last checkpoint and go on with the next rows.",
}

#: `Section.key` -> word -> its meaning. A test holds it to the words that the models know.
MEANINGS: Mapping[str, Mapping[Any, str]] = {
    "Spec.api_version": {"tunewright/v1": "The only version so far."},
    "Spec.determinism": LEVELS,
    "Train.determinism": LEVELS,
    "DataSet.format": {
        "messages": "A conversation in each row: `messages`, a list of `role` and `content`.",
        "prompt_completion": "A question and its answer: `prompt`, `completion`.",
        "instruction": "The columns `instruction`, `input` (may be empty) and `output`.",
        "preference": "A better and a worse answer: `prompt`, `chosen`, `rejected`.",
        "kto": "One answer, marked good or bad: `prompt`, `completion`, `label`.",
        "prompt": "A question alone: `prompt`, and columns that rewards compare replies with.",
        "text": "Plain text to go on reading: `text`.",
        "text_label": "A text and its class: `text`, `label`.",
        "anchor_positive": "Two texts that belong together, and perhaps one that does not: `anchor`, `positive`, "
        "`negative`.",
    },
    "Watch.not_finite": _POLICIES,
    "Watch.loss_spike": _POLICIES,
    "Watch.gradient_explosion": _POLICIES,
    "Watch.zero_gradient": _POLICIES,
    "Watch.reward_collapse": _POLICIES,
    "Watch.stalled_step": _OUTSIDE_POLICIES,
    "Watch.memory": _OUTSIDE_POLICIES,
    "Wandb.mode": {
        "online": "Send figures as they come.",
        "offline": "Into a folder that `wandb sync` sends later.",
    },
    "DataSet.deduplicate": {
        "exact": "Rows equal to an earlier one.",
        "near": "Rows that share nearly all of their text with an earlier one, with the same numbers in it.",
    },
    "Suite.metric": {
        "exact": "The reply equals the expected text.",
        "json_schema": "The reply is JSON that satisfies `json_schema`.",
        "json_match": "The reply is JSON with the expected values.",
        "multiple_choice": "The right choice is the likeliest one; nothing is generated.",
        "regex": "The reply matches `pattern`.",
        "accuracy": "The first line of the reply is the expected label, apart from case and final marks.",
        "retrieval": "By an embedding model: how near to its prompt the expected text is found among all of the suite.",
        "bleu": "N-grams shared with the expected text, as in translation (0 to 100).",
        "rouge": "Words shared with the expected text, as for summaries (0 to 1).",
        "bertscore": "Nearness in meaning to the expected text, by another model.",
        "judge": "Another model says how good the reply is.",
    },
    "Train.method": {name: method.meaning for name, method in METHODS.items()},
    "Train.lr_scheduler_type": {
        "linear": "Falls in a straight line to 0.",
        "cosine": "Falls along half a cosine to 0.",
        "cosine_with_min_lr": "Falls along half a cosine to a share of the peak (`min_lr_rate`).",
        "constant": "Stays as it is.",
        "constant_with_warmup": "Rises, then stays.",
        "polynomial": "Falls along a polynomial.",
        "inverse_sqrt": "Falls with the square root of the steps.",
    },
    "Train.mix": {
        "concat": "All rows of each set; a weight is how often they are repeated.",
        "first_exhausted": "Drawn by weight, to the end of the first set that is used up.",
        "all_exhausted": "Drawn by weight until every row was seen; shorter sets begin again.",
    },
    "Train.truncation": {
        "end": "Keep the beginning: what is beyond `max_length` is cut off, replies first.",
        "start": "Keep the end: replies stay, the beginning of the conversation goes.",
        "drop": "Leave longer rows out.",
        "error": "Stop at the first longer row and name it.",
    },
    "Train.tokenize": {
        "ahead": "In a step of its own, kept by content: accelerators never wait for it.",
        "inside": "While training starts.",
    },
    "Train.loss_on": {
        "completion": "Learn from the last reply only.",
        "replies": "Learn from every reply of a conversation.",
        "all": "Learn from the question as well.",
    },
    "Train.packing_strategy": {
        "bfd": "Best fit: rows stay whole and apart; longer ones are cut.",
        "bfd_split": "Best fit: rows stay apart; longer ones are divided.",
        "wrapped": "One endless text cut at `max_length`: documents see their neighbours.",
    },
    "Train.loss_type": {
        "sigmoid": "The loss of the DPO paper.",
        "hinge": "A margin instead of a logistic loss.",
        "ipo": "Bounded: does not drift where pairs never contradict each other.",
        "robust": "For pairs of which some are labelled the wrong way round.",
        "exo_pair": "Fits the policy's own distribution instead of averaging over the pairs.",
        "nca_pair": "Keeps the better reply's probability up, not only the distance.",
        "sppo_hard": "Self-play: both replies are drawn towards fixed values.",
        "aot": "Compares the batch's sorted margins: all pairs at once, not one by one.",
        "aot_unpaired": "The same for better and worse replies that are no pairs.",
        "sigmoid_norm": "The loss of the DPO paper, by the mean over a reply's tokens.",
        "grpo": "The loss of the GRPO paper: each reply counts the same, so short ones are preferred.",
        "dr_grpo": "Divided by the longest length allowed: no preference for a length.",
        "bnpo": "Divided by the tokens of the batch on one device.",
        "dapo": "Divided by the tokens of the whole batch: no preference for a length.",
        "apo_zero": "Raises the chosen reply and lowers the rejected one.",
        "apo_down": "Lowers both, the rejected one more: the model is better than the chosen replies.",
    },
    "Train.pooling": {
        "last_token": "The last token has seen the whole text: for models that read from left to right.",
        "mean": "All tokens count alike.",
    },
    "Train.scale_rewards": {
        "group": "The replies to one prompt.",
        "batch": "All replies of a step.",
        "none": "Left as they are: hard and easy prompts count by their spread.",
    },
    "Train.optim": {
        "adamw_torch": "AdamW of PyTorch.",
        "adamw_torch_fused": "AdamW in one kernel.",
        "adafactor": "Far less state than AdamW, for all weights of large models.",
        "sgd": "Plain gradient descent.",
        "adamw_bnb_8bit": "AdamW with 8-bit state.",
        "paged_adamw_8bit": "AdamW with 8-bit state that moves to the host under pressure.",
    },
    "Train.precision": {
        "auto": "What the accelerator is good at.",
        "bf16": "bfloat16: the range of fp32; Ampere and newer.",
        "fp16": "Half precision: for adapters on older accelerators.",
        "fp32": "Full precision: twice the memory.",
    },
    "Train.attention": {
        "auto": "What this model and machine can do.",
        "eager": "Plain PyTorch: works everywhere, slow.",
        "sdpa": "PyTorch's fused attention.",
        "flash_attention_2": "The flash-attn package: fastest on long rows and packed ones.",
    },
    "Train.kernels": {
        "auto": "The fastest that gives the same losses on this device.",
        "plain": "As transformers and PEFT compute them.",
        "fused": "Frozen layers, their adapters and norms in one pass each: on a CPU, with low-rank adapters.",
        "liger": "Liger's kernels: on NVIDIA accelerators, where the train environment holds `liger-kernel`.",
        "unsloth": "Unsloth's models: on one NVIDIA accelerator, with low-rank adapters.",
    },
    "Train.train_sampling_strategy": {
        "random": "Shuffled anew for each pass, by the seed.",
        "sequential": "As the files have them.",
        "group_by_length": "Rows of like length together, by chance otherwise: less padding.",
    },
    "Train.tuner": _TUNERS,
    "Tuner.type": _TUNERS,
    "Tuner.bits": {4: "NF4 with double quantisation.", 8: "Integers, outliers apart: nearer to the original."},
    "Train.parallelism": {"auto": "The fastest that fits, with the reason in the plan.", **_STRATEGIES},
    "Parallelism.strategy": _STRATEGIES,
    "Parallelism.offload_optimizer": _OFFLOAD,
    "Parallelism.offload_parameters": _OFFLOAD,
    "Gate.on_fail": {
        "stop": "Nothing below starts.",
        "stop_and_alert": "Nothing below starts, and rules of `alerts` with `gate_failed` tell it.",
        "alert": "Rules of `alerts` with `gate_failed` tell it; the run goes on.",
    },
    "Alert.events": {name: event.meaning for name, event in ALERT_EVENTS.items()},
    "Alert.severity": {
        "info": "Good to know.",
        "warning": "Somebody should look.",
        "critical": "Somebody must look now.",
    },
    "Quantize.method": {
        "bnb": "NF4 without calibration data.",
        "gptq": "Integers, calibrated layer by layer.",
        "awq": "Integers, calibrated on what matters to activations.",
        "fp8": "8-bit floats, for Ada, Hopper and newer.",
    },
    "Deploy.engine": {
        "embedded": "Runs everywhere, on a CPU too; for few users.",
        "vllm": "High throughput on accelerators.",
        "sglang": "High throughput, strong at shared prefixes.",
        "lmdeploy": "High throughput; also on Ascend.",
    },
}
