"""Train with several tuners in one process, reload each result, compare: `python tuner_trials.py BUNDLE...`.

Prints one JSON line a bundle: the exit code, and how far the reloaded result's logits are from the trained model's.
Loading the libraries once a tuner would take longer than all the training.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tunewright.runners import train_trl
from tunewright.runners.model_loading import attach_adapter, load_for_inference, load_model
from tunewright.runners.sdk import main

PROBE = [[5, 17, 300, 42, 8, 99, 250, 7], [900, 2, 64, 31, 77, 12, 3, 500]]


def logits(model: Any) -> Any:
    """Return what a model answers to the probe, as fp32."""
    import torch

    model.eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor(PROBE), use_cache=False).logits.float()[:, -len(PROBE[0]) :]


def trial(bundle: Path) -> dict[str, Any]:
    """Train one bundle; remember the model's logits and what of it learnt just before it is saved."""
    seen: dict[str, Any] = {}
    plain = train_trl._finish

    def finish(trainer: Any, *rest: Any) -> None:
        seen["logits"] = logits(trainer.model)
        seen["learning"] = [name for name, item in trainer.model.named_parameters() if item.requires_grad]
        plain(trainer, *rest)

    train_trl._finish = finish
    try:
        main(train_trl.MANIFEST, train_trl.work, ["run", str(bundle)])
    except SystemExit as end:
        code = end.code
    finally:
        train_trl._finish = plain
    if code or not seen:
        return {"bundle": bundle.name, "code": code}
    return {"bundle": bundle.name, "code": code, "learning": seen["learning"], **compared(bundle, seen["logits"])}


def compared(bundle: Path, trained: Any) -> dict[str, Any]:
    """Return how far logits are from the trained model's (reloaded, melted in, the base), and which weights changed."""
    step = json.loads((bundle / "step.json").read_text())
    base, outputs = Path(step["inputs"]["model"]["path"]), bundle / "outputs"
    found = {"base": load_model(base, precision="fp32", device="cpu")}
    if (outputs / "adapter_config.json").exists():
        beside = attach_adapter(load_model(base, precision="fp32", device="cpu"), outputs)
        found["reloaded"] = beside
        config = getattr(beside, "active_peft_config", None)
        if config is None or not config.is_prompt_learning:
            found["merged"] = load_for_inference(base, outputs, precision="fp32", device="cpu")
    else:
        found["reloaded"] = load_model(outputs, precision="fp32", device="cpu")
    differences: dict[str, Any] = {name: float((logits(model) - trained).abs().max()) for name, model in found.items()}
    before = dict(found["base"].named_parameters())
    after = dict(found["reloaded"].named_parameters())
    return differences | {"changed": [name for name in before if name in after and (before[name] != after[name]).any()]}


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(json.dumps(trial(Path(argument))), flush=True)  # noqa: T201
