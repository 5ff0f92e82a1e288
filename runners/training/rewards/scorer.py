"""A trained reward model as a judge of replies."""

from pathlib import Path
from typing import Any

from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.unsharded import whole_models
from tunewright.runners.vision import scoring_class


class Scorer:
    """Scores whole conversations; the model is frozen and held in the precision of the step."""

    def __init__(self, model: Any, tokenizer: Any, max_length: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._max_length = max_length

    def scores(self, conversations: list[list[dict[str, Any]]]) -> list[float]:
        """Return one score for each conversation."""
        import torch

        texts = [self._tokenizer.apply_chat_template(turns, tokenize=False) for turns in conversations]
        batch = self._tokenizer(
            texts,
            return_tensors="pt",
            padding=True,
            padding_side="right",
            add_special_tokens=False,
            truncation=True,
            max_length=self._max_length,
        ).to(self._model.device)
        with torch.inference_mode():
            logits = self._model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        scores: list[float] = logits[:, 0].float().tolist()
        return scores


def load_scorer(model: Path, adapter: Path | None, settings: TrainSettings) -> Scorer:
    """Load a reward model: a folder of its own, or an adapter with its head on a base; raise StepFailedError."""
    import torch
    from transformers import AutoTokenizer

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[settings.precision]
    tokenizer = AutoTokenizer.from_pretrained(adapter or model)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    with whole_models():
        loaded = scoring_class(model).from_pretrained(model, num_labels=1, dtype=dtype, use_safetensors=True)
    if adapter is not None:
        from peft import PeftModel

        with whole_models():
            loaded = PeftModel.from_pretrained(loaded, adapter)
    elif not _has_head(model):
        raise StepFailedError(
            "the folder named as a reward holds no reward model: there is no head that scores",
            reason="REWARD_MODEL_UNFIT",
            help="name a step with `method: reward`, or a model made for sequence classification with one label",
        )
    loaded.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    device = "cuda" if settings.device == "cuda" else "cpu"
    return Scorer(loaded.requires_grad_(False).eval().to(device), tokenizer, settings.max_length)


def _has_head(model: Path) -> bool:
    from transformers import AutoConfig

    named = AutoConfig.from_pretrained(model).architectures or []
    return any(name.endswith("ForSequenceClassification") for name in named)
