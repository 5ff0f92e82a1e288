"""The compiler's defaults, as data. A change here changes plans: raise DEFAULTS_VERSION with it.

Learning rates: adapters take about ten times the rate of full fine-tuning (Biderman et al. 2024, "LoRA Learns Less and
Forgets Less");
preference methods take rates well below supervised ones (TRL's own defaults and examples, 1.16).
"""

DEFAULTS_VERSION = 1

SEED = 42

#: (method, learns an adapter) -> peak learning rate.
LEARNING_RATE = {
    ("sft", True): 2.0e-4, ("sft", False): 1.0e-5,
    ("dpo", True): 2.0e-5, ("dpo", False): 5.0e-7,
    ("orpo", True): 2.0e-5, ("orpo", False): 5.0e-6,
    ("kto", True): 2.0e-5, ("kto", False): 5.0e-7,
}  # fmt: skip

#: method -> passes over the data.
EPOCHS = {"sft": 3.0, "dpo": 1.0, "orpo": 1.0, "kto": 1.0}

BETA = 0.1
TUNER = "lora"
RANK = 16
ALPHA_PER_RANK = 2.0
MICRO_BATCH = 4
GLOBAL_BATCH = 16
MAX_LENGTH = 1024

MAX_NEW_TOKENS = 128
EVALUATION_BATCH = 8

PORT = 8000
SERVED_LENGTH = 4096
GPU_MEMORY_SHARE = 0.9
GROUP_SIZE = 128
BITS = {"bnb": 4, "gptq": 4, "awq": 4, "fp8": 8}

#: verb -> (seconds without any event after which a step counts as hung, seconds from SIGTERM to SIGKILL)
STALL_AND_GRACE = {
    "fetch": (1800.0, 10.0), "train": (3600.0, 60.0), "evaluate": (1800.0, 10.0), "export": (3600.0, 10.0),
    "deploy": (120.0, 30.0),
}  # fmt: skip
RETRIES = 1
