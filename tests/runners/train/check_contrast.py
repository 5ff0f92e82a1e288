"""The contrastive loss against its formula written out, and places in rankings; run in the `train` environment."""

import torch

from tunewright.runners.evaluation.figures import macro_f1, ranks, scores_of_rank
from tunewright.runners.training.heads.contrast import contrastive_loss, pooled


def written_out(vectors: torch.Tensor, texts: list[list[int]], temperature: float) -> float:
    """Return InfoNCE row by row and candidate by candidate."""
    rows, total = vectors.shape[1], 0.0
    for row in range(rows):
        kept = []
        for part in range(1, vectors.shape[0]):
            for other in range(rows):
                own = part == 1 and other == row
                same = texts[part][other] in (texts[0][row], texts[1][row])
                twin = part == 1 and texts[0][other] == texts[0][row]
                if own or not (same or twin):
                    kept.append(((vectors[0, row] @ vectors[part, other]) / temperature, own))
        scores = torch.stack([score for score, _ in kept])
        (wanted,) = [score for score, own in kept if own]
        total += float(torch.logsumexp(scores, 0) - wanted)
    return total / rows


torch.manual_seed(0)
for parts in (2, 3):
    vectors = torch.nn.functional.normalize(torch.randn(parts, 5, 8), dim=2)
    # Rows 0 and 1 have one anchor, rows 2 and 3 one positive, and row 4's anchor is the positive of row 0.
    texts = [[0, 0, 1, 2, 3], [3, 4, 5, 5, 6], [7, 8, 9, 5, 6]][:parts]
    found = float(contrastive_loss(vectors, torch.tensor(texts), 0.05))
    assert abs(found - written_out(vectors, texts, 0.05)) < 1e-5, (parts, found)

states = torch.arange(12.0).reshape(2, 3, 2) + 1
mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
last, mean = pooled(states, mask, "last_token"), pooled(states, mask, "mean")
assert torch.allclose(last, torch.nn.functional.normalize(torch.tensor([[3.0, 4.0], [11.0, 12.0]])))
assert torch.allclose(mean, torch.nn.functional.normalize(torch.tensor([[2.0, 3.0], [9.0, 10.0]])))

queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
candidates = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
assert ranks(queries, candidates, [0, 1], [[], []]) == [1, 2]
assert ranks(queries, candidates, [0, 1], [[], [2]]) == [1, 1], "what is right too is not before it"
assert ranks(torch.ones(1, 2), torch.ones(3, 2), [0], [[]]) == [3], "vectors that are all the same find nothing"
assert ranks(queries * torch.nan, candidates, [0, 1], [[], []]) == [3, 3]
assert scores_of_rank(4) == {"mrr": 0.25, "recall_at_1": 0.0, "recall_at_5": 1.0, "recall_at_10": 1.0}
assert macro_f1("aabb", "aabc") == (1.0 + 2 / 3) / 2
