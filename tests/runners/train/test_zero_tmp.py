import sys
from typing import Any

import pytest

sys.path.insert(0, "/tmp/tw/c/watch/repo/tests/runners/train")
from test_watch import *
from test_watch import LONG, watching, with_a_broken_row


@pytest.mark.parametrize("stage", [2, 3])
def test_zero(trainer: Any, stage: int) -> None:
    ds = {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "train_batch_size": 2,
        "gradient_clipping": 0.5,
        "zero_optimization": {"stage": stage},
    }
    if stage == 3:
        ds["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] = True
    changes = watching(loss_spike="rollback_and_continue")
    two = {"parallelism": {"strategy": f"zero{stage}", "processes": 2}, "seed": 11}
    bundle = with_a_broken_row(trainer.bundle(f"zero{stage}", LONG, changes, two, deepspeed=ds), 80)
    trained = trainer.finish(bundle, trainer.start(bundle, processes=2))
    print(
        trained.code,
        trained.stderr[-3000:] if trained.code else "",
        trained.of("rollback"),
        [e for e in trained.of("warning")],
        trained.losses,
    )
    print([(e["step"], e["values"].get("learning_rate")) for e in trained.of("metric")][-6:])
    assert trained.code == 0 and len(trained.of("rollback")) == 1
