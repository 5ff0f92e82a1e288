"""The arithmetic of PPO on tensors of shape (replies, tokens); `mask` is 1 on the tokens of a reply, its end included.

Schulman et al. 2017 (clipped objective), Schulman et al. 2016 (generalised advantage estimation), Ziegler et al. 2019
(a penalty for leaving the reference, token by token).
"""

from typing import Any, NamedTuple

Tensor = Any  # torch is not imported before it is needed


class Advantages(NamedTuple):
    """How much better each token was than expected, and what the value head should have expected."""

    advantages: Tensor
    returns: Tensor


def token_rewards(scores: Tensor, log_ratio: Tensor, mask: Tensor, beta: float) -> Tensor:
    """Return the reward of each token: minus `beta` times its log-ratio to the reference, and the score at the end."""
    import torch

    rewards = -beta * log_ratio * mask
    last = mask.sum(dim=1).long().clamp(min=1) - 1
    return rewards.scatter_add(1, last.unsqueeze(1), scores.to(rewards.dtype).unsqueeze(1)) * torch.ones_like(mask)


def advantages_of(rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Advantages:
    """Return generalised advantages; what lies behind a reply's end is worth nothing."""
    import torch

    columns, ahead = [], torch.zeros_like(rewards[:, 0])
    following = torch.zeros_like(rewards[:, 0])
    for index in reversed(range(rewards.shape[1])):
        surprise = rewards[:, index] + gamma * following - values[:, index]
        ahead = (surprise + gamma * lam * ahead) * mask[:, index]
        following = values[:, index] * mask[:, index]
        columns.append(ahead)
    advantages = torch.stack(columns[::-1], dim=1)
    return Advantages(advantages, advantages + values * mask)


def whitened(advantages: Tensor, mask: Tensor) -> Tensor:
    """Return advantages with mean 0 and variance 1 over all tokens of the replies."""
    mean = masked_mean(advantages, mask)
    variance = masked_mean((advantages - mean) ** 2, mask)
    return (advantages - mean) * (variance + 1e-8).rsqrt() * mask


def policy_loss(log_ratio: Tensor, advantages: Tensor, mask: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Return the clipped loss of the policy, and the share of tokens whose gradient was cut off."""
    import torch

    ratio = log_ratio.exp()
    free, held = -advantages * ratio, -advantages * ratio.clamp(1 - epsilon, 1 + epsilon)
    return masked_mean(torch.maximum(free, held), mask), masked_mean((held > free).float(), mask)


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float) -> Tensor:
    """Return half the squared error of the value head, no better for moving further than `clip` at once."""
    import torch

    held = old_values + (values - old_values).clamp(-clip, clip)
    return 0.5 * masked_mean(torch.maximum((values - returns) ** 2, (held - returns) ** 2), mask)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the tokens of the replies."""
    return (values * mask).sum() / mask.sum().clamp(min=1)
