"""GaLore's optimizer keeps little, steps as AdamW where nothing is projected, and goes on exactly when resumed."""

import subprocess

import pytest

pytestmark = pytest.mark.train

SCRIPT = """
import copy, io, torch
from tunewright.runners.training.kernels.projected_adamw import ProjectedAdamW

def make(rank, four_bits):
    torch.manual_seed(0)
    weight, bias = torch.nn.Parameter(torch.randn(24, 64)), torch.nn.Parameter(torch.randn(64))
    groups = [{"params": [weight], "rank": rank, "weight_decay": 0.1}, {"params": [bias]}]
    return weight, bias, ProjectedAdamW(
        groups, lr=1e-2, betas=(0.9, 0.99), eps=1e-8, interval=3, scale=1.0, four_bits=four_bits
    )

def run(weight, bias, optimizer, steps):
    for step in steps:
        torch.manual_seed(step)
        weight.grad, bias.grad = torch.randn(24, 64), torch.randn(64)
        optimizer.step()

weight, bias, optimizer = make(0, False)
plain = [torch.nn.Parameter(weight.detach().clone()), torch.nn.Parameter(bias.detach().clone())]
adamw = torch.optim.AdamW(
    [{"params": plain[:1], "weight_decay": 0.1}, {"params": plain[1:], "weight_decay": 0.0}], lr=1e-2, betas=(0.9, 0.99)
)
run(weight, bias, optimizer, range(5)); run(*plain, adamw, range(5))
assert torch.allclose(weight, plain[0], atol=1e-6) and torch.allclose(bias, plain[1], atol=1e-6)

for four_bits in (False, True):
    whole = make(4, four_bits)
    run(*whole, range(8))
    state = whole[2].state[whole[0]]
    assert state["exp_avg"].shape == (4, 64), state["exp_avg"].shape
    if four_bits:
        assert state["projection"].dtype == torch.uint8 and state["projection"].numel() <= 64
    half = make(4, four_bits)
    run(*half, range(4))
    stream = io.BytesIO(); torch.save(half[2].state_dict(), stream); stream.seek(0)
    again = make(4, four_bits)
    with torch.no_grad():
        again[0].copy_(half[0]); again[1].copy_(half[1])
    again[2].load_state_dict(torch.load(stream, weights_only=True))
    run(*again, range(4, 8))
    assert torch.equal(again[0], whole[0]) and torch.equal(again[1], whole[1])
print("ok")
"""


def test_it_steps_as_it_should_and_goes_on_exactly(train_python: str) -> None:
    done = subprocess.run([train_python, "-P", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "ok", done.stderr[-2000:]
