"""Method x strategy x start: what a training step of the tests is told in each combination, and what it is held to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROCESSES = 2
STRATEGIES = ("ddp", "zero2", "zero3", "fsdp2")
#: How learning starts: a new adapter; an earlier step's that goes on; all weights; all weights with one merged in.
STARTS = ("adapter", "continued", "full", "merged")
FROM_ADAPTER = ("continued", "merged")
ALL_WEIGHTS = ("full", "merged")

_PAIRS: Mapping[str, Any] = {"data": {"rows": {"format": "preference"}}}
_PROMPTS: Mapping[str, Any] = {
    "data": {"rows": {"format": "prompt"}},
    "loss_on": "all",
    "max_length": 128,
    "learning_rate": 2e-3,
    "per_device_train_batch_size": 16,
}
_SHORT = {"max_completion_length": 10, "temperature": 1.0}
_TEXT: Mapping[str, Any] = {
    "data": {"rows": {"format": "text"}},
    "loss_on": "all",
    "packing": True,
    "max_length": 64,
    "options": {"packing_strategy": "bfd_split"},
}
_PAID = {
    **_SHORT,
    "rewards": [
        {"name": "contains", "weight": 1.0, "options": {"column": "answer"}},
        {"model": "judge", "weight": 0.1},
    ],
}

METHODS: Mapping[str, Mapping[str, Any]] = {
    "sft": {},
    "pretrain": _TEXT,
    "reward": _PAIRS,
    "dpo": _PAIRS,
    "kto": _PAIRS,
    "orpo": _PAIRS,
    "cpo": _PAIRS,
    "simpo": _PAIRS,
    "grpo": {**_PROMPTS, "options": {**_PAID, "num_generations": 4}},
    "rloo": {**_PROMPTS, "options": {**_PAID, "num_generations": 4}},
    "ppo": {**_PROMPTS, "options": {**_PAID, "num_iterations": 2}},
    "gkd": {**_PROMPTS, "options": _SHORT},
    "classify": {
        "data": {"rows": {"format": "text_label"}},
        "options": {"labels": ["billing", "network", "account"]},
    },
    "embed": {
        "data": {"rows": {"format": "anchor_positive"}},
        # Divided by less, similarities would make much of rounding.
        "options": {"pooling": "last_token", "temperature": 0.5},
        "learning_rate": 1e-3,
    },
}
#: Two processes do other work than one: each draws its own replies.
UNLIKE_ONE = ("grpo", "rloo", "ppo", "gkd")
REWARDED = ("grpo", "rloo", "ppo")
#: Those that hold the model that learns against the one it started from: there a start matters.
COMPARING = ("sft", "dpo", "kto", "grpo", "rloo", "ppo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination; `reference` is the run that it must equal."""

    method: str
    strategy: str
    start: str

    def __str__(self) -> str:
        return f"{self.method}-{self.start}-{self.strategy}"

    @property
    def reference(self) -> "Cell":
        """Return the same work in one process, or by plain DDP where one process does other work."""
        strategy = "ddp" if self.method in UNLIKE_ONE and self.strategy != "ddp" else "single"
        return Cell(method=self.method, strategy=strategy, start=self.start)

    @property
    def equals_reference(self) -> bool:
        """Say whether it can: one process may do other work than two, and a head of several rows is drawn in shards."""
        drawn_otherwise = self.method == "classify" and self.strategy == "fsdp2"
        return not (self.method in UNLIKE_ONE and self.strategy == "ddp") and not drawn_otherwise

    @property
    def processes(self) -> int:
        """Return how many there are."""
        return 1 if self.strategy == "single" else PROCESSES

    def changes(self) -> dict[str, Any]:
        """Return what differs from the parameters that all tests of training start from."""
        found: dict[str, Any] = {"method": self.method, "max_steps": 4, "per_device_train_batch_size": 8}
        if self.start in ALL_WEIGHTS:
            found |= {"tuner": {"type": "full"}, "learning_rate": 1e-3}
        found |= METHODS[self.method]
        found["per_device_train_batch_size"] //= self.processes
        return found | {
            "kernels": "plain",  # the fused ones need whole layers, and rounding differs
            "parallelism": {"strategy": self.strategy, "processes": self.processes},
        }

    def files(self) -> dict[str, Any]:
        """Return the settings files of the engine."""
        if not self.strategy.startswith("zero"):
            return {}
        return {"deepspeed": deepspeed(int(self.strategy[-1]), rows=self.changes()["per_device_train_batch_size"])}

    def inputs(self, speaker: Path, judge: Path, tiny: Path) -> dict[str, tuple[Path, str]]:
        """Return the models beside the one that learns; replies are drawn from one that can speak."""
        found: dict[str, tuple[Path, str]] = {}
        if self.method in REWARDED:
            found |= {"model": (speaker, "model")}
            found |= {"rewards.1.model": (tiny, "model"), "rewards.1.adapter": (judge, "adapter")}
        if self.method == "gkd":
            found |= {"teacher.model": (speaker, "model")}
        return found


def deepspeed(stage: int, *, rows: int = 4, offload: bool = False) -> dict[str, Any]:
    """Return DeepSpeed's settings for two processes of so many rows each."""
    zero: dict[str, Any] = {"stage": stage}
    content: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": rows,
        "gradient_accumulation_steps": 1,
        "train_batch_size": PROCESSES * rows,
        "gradient_clipping": 1.0,
        "zero_optimization": zero,
    }
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if offload:
        zero["offload_optimizer"] = zero["offload_param"] = {"device": "cpu"}
        adam = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}
        content["optimizer"] = {"type": "AdamW", "params": adam}
    return content


def all_cells() -> Iterator[Cell]:
    """Yield every combination that a plan can ask for."""
    for method in METHODS:
        for start in STARTS:
            if start in FROM_ADAPTER and method not in COMPARING:
                continue
            if method == "ppo" and start in ALL_WEIGHTS:  # refused when the spec is compiled: it needs an adapter
                continue
            for strategy in STRATEGIES:
                yield Cell(method=method, strategy=strategy, start=start)
