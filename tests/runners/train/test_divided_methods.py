"""Every method divided among processes learns what it learns in one.

A selection runs always; the rest of the table in docs/training.md with `pytest -m matrix`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dividing.cells import FROM_ADAPTER, REWARDED, Cell, all_cells

pytestmark = pytest.mark.train

#: fp32 sums taken in another order: seen 0 to 1e-6 on the loss. Adam moves a weight by a whole step (1e-2), however
#: small its gradient is: where that is rounding, the last bits decide the way.
LOSS_TOLERANCE = 2e-5
WEIGHT_TOLERANCE = 1e-3

#: Each guards what once broke: copies beside shards, a head outside the forward pass, models beside ZeRO-3's, merging.
ALWAYS = {
    "reward-adapter-fsdp2",
    "kto-adapter-ddp",
    "dpo-merged-zero3",
    "grpo-full-zero3",
    "ppo-adapter-ddp",
    "ppo-continued-fsdp2",
}


CELLS = [
    pytest.param(cell, id=str(cell), marks=() if str(cell) in ALWAYS else pytest.mark.matrix) for cell in all_cells()
]


@pytest.fixture(scope="module")
def run(
    trainer: Any, nursery: Any, parts: Any, documents: list[dict[str, Any]], request: pytest.FixtureRequest
) -> Callable[[Cell], Any]:
    """A function that trains a cell, once."""
    done: dict[str, Any] = {}

    def made(name: str, *changes: dict[str, Any]) -> Path:
        if name not in done:
            done[name] = nursery.run(trainer.bundle(f"divided-{name}", *changes))
        assert done[name].summary["steps"]
        outputs: Path = done[name].outputs
        return outputs

    def run_cell(cell: Cell) -> Any:
        if str(cell) not in done:
            if cell.files():
                request.getfixturevalue("operators")
            speaker = judge = trainer.model
            if cell.method in (*REWARDED, "gkd"):
                talks = {"learning_rate": 1e-2, "max_steps": 30, "num_train_epochs": 4}
                speaker = made("speaker", parts["full"], talks)
            if cell.method in REWARDED:
                judge = made("judge", parts["preferences"], {"max_steps": 3, "method": "reward"})
            bundle = trainer.bundle(
                str(cell),
                cell.changes(),
                adapter=made("earlier") if cell.start in FROM_ADAPTER else None,
                rows=documents if cell.method == "pretrain" else None,
                more_inputs=cell.inputs(speaker, judge, trainer.model),
                **cell.files(),
            )
            done[str(cell)] = nursery.run(bundle, processes=cell.processes)
        return done[str(cell)]

    return run_cell


@pytest.mark.parametrize("cell", CELLS)
def test_divided_it_learns_the_same(run: Callable[[Cell], Any], tensors_of: Any, cell: Cell) -> None:
    together = run(cell)
    assert together.summary["steps"] == 4
    if not cell.equals_reference:
        assert together.losses
        return
    alone = run(cell.reference)
    assert together.losses == pytest.approx(alone.losses, abs=LOSS_TOLERANCE)
    assert together.summary["tokens"] == alone.summary["tokens"]
    assert tensors_of(together.outputs, alone.outputs) < WEIGHT_TOLERANCE
