"""Hold PPO's arithmetic to loops written out by hand; run in the `train` environment."""

import torch

from tunewright.runners.training.ppo import objective

GAMMA, LAM = 0.9, 0.7


def by_hand(rewards: list[float], values: list[float]) -> list[float]:
    """Return the advantages of one reply: each surprise, and the later ones at `gamma * lam` a token."""
    following = [*values[1:], 0.0]
    surprises = [
        reward + GAMMA * after - value for reward, value, after in zip(rewards, values, following, strict=True)
    ]
    return [
        sum((GAMMA * LAM) ** (later - index) * surprises[later] for later in range(index, len(surprises)))
        for index in range(len(surprises))
    ]


def main() -> None:
    torch.manual_seed(0)
    mask = torch.tensor([[1.0, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    rewards, values = torch.randn(2, 5) * mask, torch.randn(2, 5)
    found = objective.advantages_of(rewards, values, mask, gamma=GAMMA, lam=LAM)
    for row, length in enumerate((5, 3)):
        expected = by_hand(rewards[row, :length].tolist(), values[row, :length].tolist())
        torch.testing.assert_close(found.advantages[row, :length], torch.tensor(expected))
    assert not found.advantages[1, 3:].any(), "nothing behind the end"
    torch.testing.assert_close(found.returns, (found.advantages + values) * mask)

    paid = objective.token_rewards(torch.tensor([2.0, 3.0]), torch.ones(2, 5), mask, 0.5)
    torch.testing.assert_close(paid, torch.tensor([[-0.5, -0.5, -0.5, -0.5, 1.5], [-0.5, -0.5, 2.5, 0, 0]]))

    white = objective.whitened(found.advantages, mask)
    assert abs(float(objective.masked_mean(white, mask))) < 1e-6
    assert abs(float(objective.masked_mean(white**2, mask)) - 1) < 1e-3

    # Beyond the clip a token whose probability has already moved the right way has no gradient any more.
    log_ratio = torch.tensor([[0.5, 0.5, 0.0]], requires_grad=True)
    loss, cut_off = objective.policy_loss(log_ratio, torch.tensor([[1.0, -1.0, 1.0]]), torch.ones(1, 3), 0.2)
    loss.backward()
    assert log_ratio.grad is not None
    assert log_ratio.grad[0, 0] == 0
    assert log_ratio.grad[0, 1] > 0
    assert log_ratio.grad[0, 2] < 0
    assert abs(float(cut_off) - 1 / 3) < 1e-6

    # The value head gains nothing from moving further than the clip.
    moved, near = torch.tensor([[2.0]]), torch.tensor([[0.2]])
    zero, ones = torch.zeros(1, 1), torch.ones(1, 1)
    assert objective.value_loss(moved, zero, 2 * ones, ones, 0.2) == objective.value_loss(
        near, zero, 2 * ones, ones, 0.2
    )


if __name__ == "__main__":
    main()
