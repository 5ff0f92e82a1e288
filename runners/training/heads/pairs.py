"""Pairs and triplets of texts as batches of tokens, and the trainer that learns vectors from them."""

from collections.abc import Mapping
from typing import Any

import torch

from tunewright.runners.evaluation.figures import ranks, scores_of_rank
from tunewright.runners.padding import padded_right
from tunewright.runners.training.heads.contrast import contrastive_loss, pooled
from tunewright.runners.training.heads.trainer import HeadTrainer

Row = dict[str, Any]
_PARTS = ("anchor", "positive", "negative")


def encoded(rows: list[Row], tokenizer: Any, max_length: int) -> list[Row]:
    """Return the tokens of each row's texts, of the anchor as `input_ids`, and a number for each different text.

    Where only some rows have a negative, the others get their positive once more, which the loss leaves out.
    """
    parts = _PARTS if any(row["negative"] for row in rows) else _PARTS[:2]
    numbers: dict[str, int] = {}
    found = []
    for row in rows:
        texts = [row[part] or row["positive"] for part in parts]
        tokens = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        found.append(
            {
                "input_ids": tokens[0],
                **dict(zip(parts[1:], tokens[1:], strict=True)),
                "texts": [numbers.setdefault(text, len(numbers)) for text in texts],
            }
        )
    return found


class Collator:
    """Puts all anchors of some rows, then positives, then negatives into one batch: one pass through the model."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: list[Row]) -> dict[str, Any]:
        """Return `input_ids` and `attention_mask` of shape (parts x rows, tokens), `texts` of shape (parts, rows)."""
        names = ["input_ids", *_PARTS[1 : len(rows[0]["texts"])]]
        return {
            **padded_right([row[name] for name in names for row in rows], self._pad),
            "texts": torch.tensor([row["texts"] for row in rows]).T.contiguous(),
        }


class PairTrainer(HeadTrainer):
    """Learns by the contrastive loss; `options` are the method's."""

    def __init__(self, *, options: Mapping[str, Any], processing_class: Any, **rest: Any) -> None:
        self._options = options
        super().__init__(
            processing_class=processing_class,
            data_collator=Collator(processing_class.pad_token_id),
            compute_metrics=_found,
            **rest,
        )

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        """Return the loss, and the vectors of shape (parts, rows, width) where outputs are wanted."""
        mask, texts = inputs["attention_mask"], inputs["texts"]
        states = model(input_ids=inputs["input_ids"], attention_mask=mask, use_cache=False).last_hidden_state
        vectors = pooled(states, mask, self._options["pooling"]).unflatten(0, tuple(texts.shape))
        loss = contrastive_loss(vectors, texts, self._options["temperature"])
        return (loss, vectors) if return_outputs else loss

    def prediction_step(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
        """Return loss, vectors and text numbers, by row."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            loss, vectors = self.compute_loss(model, inputs, return_outputs=True)
        return loss.detach(), vectors.transpose(0, 1).contiguous(), inputs["texts"].T.contiguous()


def _found(evaluation: Any) -> dict[str, float]:
    """Return how the anchors of held-out rows find their positives among all texts of these rows."""
    vectors, texts = torch.from_numpy(evaluation.predictions), evaluation.label_ids.tolist()
    places: dict[int, int] = {}
    for row, numbers in enumerate(texts):
        for part, number in enumerate(numbers[1:], start=1):
            places.setdefault(number, row * len(numbers) + part)
    order = {number: index for index, number in enumerate(places)}
    candidates = vectors.flatten(0, 1)[list(places.values())]
    right_for: dict[int, set[int]] = {}
    for numbers in texts:
        right_for.setdefault(numbers[0], {numbers[0]} & order.keys()).add(numbers[1])
    found = ranks(
        vectors[:, 0],
        candidates,
        [order[numbers[1]] for numbers in texts],
        [[order[number] for number in right_for[numbers[0]]] for numbers in texts],
    )
    scores = [scores_of_rank(rank) for rank in found]
    return {name: sum(score[name] for score in scores) / len(scores) for name in scores[0]}
