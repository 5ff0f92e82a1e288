"""Shifted sparse attention looks back only, at its group; half of the heads at one half a group later."""

import subprocess

import pytest

pytestmark = pytest.mark.train

SCRIPT = """
import torch
from types import SimpleNamespace
from tunewright.runners.training.kernels.shifted_attention import shifted_attention

torch.manual_seed(0)
attend = shifted_attention(4)
module = SimpleNamespace(training=True)
query, key, value = (torch.randn(1, 4, 10, 8) for _ in range(3))

def seen_by(training):
    module.training = training
    leaf = value.clone().requires_grad_(True)
    out, _ = attend(module, query, key, leaf, None)
    rows = []
    for token in range(10):
        (gradient,) = torch.autograd.grad(out[0, token].sum(), leaf, retain_graph=True)
        rows.append([set(gradient[0, head].abs().sum(-1).nonzero().flatten().tolist()) for head in range(4)])
    return rows

for token, heads in enumerate(seen_by(True)):
    first = 4 * (token // 4)
    shifted = max(0, 4 * ((token + 2) // 4) - 2)
    assert heads[0] == heads[1] == set(range(first, token + 1)), (token, heads)
    assert heads[2] == heads[3] == set(range(shifted, token + 1)), (token, heads)
for token, heads in enumerate(seen_by(False)):
    assert heads == [set(range(token + 1))] * 4
module.training = True
mask = torch.ones(1, 10); mask[0, 7:] = 0
cut, _ = attend(module, query, key, value, mask)
whole, _ = attend(module, query, key, value, None)
assert torch.equal(cut[:, :7], whole[:, :7]) and not cut.isnan().any()
print("ok")
"""


def test_a_token_sees_its_group_and_nothing_after_it(train_python: str) -> None:
    done = subprocess.run([train_python, "-P", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "ok", done.stderr[-2000:]
