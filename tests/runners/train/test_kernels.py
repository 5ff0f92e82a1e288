"""Fused kernels compute what the libraries compute, and step aside where they can't."""

import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

import tunewright

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])

pytestmark = pytest.mark.train

_COMPARE = """
    import sys, torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM
    from tunewright.runners.training.kernels.low_rank import fuse_low_rank
    from tunewright.runners.training.kernels.norm import fuse_norms

    def model(dtype, **lora):
        torch.manual_seed(0)
        plain = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, attention_bias=True)).to(dtype)
        adapted = get_peft_model(plain, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear",
            init_lora_weights=False, **lora))
        return adapted.float() if dtype is torch.float32 else adapted

    def passed(adapted):
        ids = torch.arange(40).view(2, 20) % 64
        loss = adapted(input_ids=ids, labels=ids).loss
        loss.backward()
        return loss.detach(), [p.grad.float().flatten() for p in adapted.parameters() if p.requires_grad]

    def apart(dtype, **lora):
        adapted = model(dtype, **lora)
        loss, gradients = passed(adapted)
        adapted.zero_grad()
        counts = fuse_low_rank(adapted), fuse_norms(adapted)
        fused_loss, fused = passed(adapted)
        one, other = torch.cat(gradients), torch.cat(fused)
        return counts, abs(float(loss - fused_loss)), float((one - other).norm() / one.norm())
"""


def run(train_python: str, body: str) -> None:
    done = subprocess.run(
        [train_python, "-P", "-c", textwrap.dedent(_COMPARE) + textwrap.dedent(body)],
        env={"PYTHONPATH": PACKAGE_ROOT, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_loss_and_gradients_are_those_of_the_plain_layers(train_python: str) -> None:
    run(
        train_python,
        """
        counts, loss, gradients = apart(torch.float32)
        assert counts == (14, 5), counts
        assert loss < 1e-6 and gradients < 1e-5, (loss, gradients)
        counts, loss, gradients = apart(torch.bfloat16, use_rslora=True)
        assert counts == (14, 5), counts
        assert loss < 1e-2 and gradients < 3e-2, (loss, gradients)
        """,
    )


def test_what_is_not_plain_goes_the_libraries_way(train_python: str) -> None:
    """Dropout, DoRA, disabled and second adapters: the result is PEFT's own."""
    run(
        train_python,
        """
        ids = torch.arange(40).view(2, 20) % 64
        adapted = model(torch.float32, lora_dropout=0.5)
        fuse_low_rank(adapted)
        torch.manual_seed(1); one = adapted(input_ids=ids).logits
        torch.manual_seed(2); other = adapted(input_ids=ids).logits
        assert not torch.equal(one, other), "dropout was left out"
        adapted = model(torch.float32)
        with adapted.disable_adapter():
            base = adapted(input_ids=ids).logits
        fuse_low_rank(adapted)
        with adapted.disable_adapter():
            assert torch.equal(adapted(input_ids=ids).logits, base)
        assert not torch.equal(adapted(input_ids=ids).logits, base)
        counts, loss, gradients = apart(torch.float32, use_dora=True)
        assert gradients < 1e-5, gradients
        """,
    )


def test_trained_norms_stay_as_they_are(train_python: str) -> None:
    run(
        train_python,
        """
        adapted = model(torch.float32)
        for name, parameter in adapted.named_parameters():
            if "norm" in name:
                parameter.requires_grad_(True)
        assert fuse_norms(adapted) == 0
        """,
    )


def test_training_learns_the_same_with_either(trainer: Any, sft: Any) -> None:
    plain = trainer.run("plain-kernels", {"kernels": "plain"})
    assert sft.losses == pytest.approx(plain.losses, abs=1e-4)


_SCORES = """
    import torch
    from trl.trainer import utils
    from tunewright.runners.training.kernels import head

    plain = utils._ChunkedLogProbFunction
    outputs = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")

    def scored(function, dtype, *, tokens=23, scale=1.0, temperature=1.0, bias=False, cap=None, learned=False):
        torch.manual_seed(0)
        hidden = torch.randn(tokens, 16).to(dtype).requires_grad_()
        weight = torch.randn(96, 16).to(dtype).requires_grad_(learned)
        more = torch.randn(96).to(dtype) if bias else None
        targets = torch.randint(0, 96, (tokens,))
        found = function.apply(hidden, weight, more, targets, temperature, 32, cap, scale, outputs)
        (found[0] * torch.linspace(-1, 2, tokens)).sum().backward()
        return *(item.detach().float() for item in found), hidden.grad.float(), weight.grad

    def same(one, other, tolerance):
        for left, right in zip(one, other, strict=True):
            assert (left is None) == (right is None)
            assert left is None or torch.allclose(left, right, atol=tolerance, rtol=tolerance)

    head.fuse_head(); head.fuse_head()
    ours = utils._ChunkedLogProbFunction
    assert ours._plain is plain, "put in its place twice"
"""


def test_scores_are_those_of_the_tiled_head(train_python: str) -> None:
    run(
        train_python,
        textwrap.dedent(_SCORES)
        + textwrap.dedent("""
        for held, summed in ((2**25, 2**20), (96 * 7, 96 * 3)):
            head._HELD, head._SUMMED = held, summed
            for change in ({}, {"scale": 0.25, "temperature": 0.7}, {"tokens": 1}, {"tokens": 0}):
                same(scored(ours, torch.float32, **change), scored(plain, torch.float32, **change), 1e-5)
            same(scored(ours, torch.bfloat16), scored(plain, torch.bfloat16), 4e-2)
        """),
    )


def test_heads_that_are_not_frozen_and_plain_go_the_librarys_way(train_python: str) -> None:
    run(
        train_python,
        textwrap.dedent(_SCORES)
        + textwrap.dedent("""
        head.FrozenHeadScores.apply = None
        for change in ({"bias": True}, {"cap": 3.0}, {"learned": True}):
            same(scored(ours, torch.float32, **change), scored(plain, torch.float32, **change), 0.0)
        """),
    )
